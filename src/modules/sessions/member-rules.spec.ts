import { describe, expect, it } from 'vitest';
import { created, ended, joined, left, revealed, seat, stateOf, TERMS } from '../../../test/support/entry-rows.js';
import { app, node } from '../../../test/support/group-services.js';
import { Refusal } from '../../protocol/index.js';
import type { Entry } from './group-entry.js';
import { GroupState } from './group-state.js';
import {
  decideCreation,
  decideEnd,
  decideJoin,
  decideLeave,
  decideReveal,
  isMaster,
  isOwner,
  type Named,
  refuseStranger,
} from './member-rules.js';
import type { Caller } from './sessions.types.js';

const ids = { sessionId: 'party', eventId: 'e' };
const party = created({ anyoneCanJoin: false }, seat('ann'), seat('bob'));
const open = created({ anyoneCanJoin: true }, seat('ann'), seat('bob'));
const masked = created({}, seat('ann'), seat('bob'), seat('hal', '~h'));
const none = new GroupState('s:none', 0, undefined, []);

interface JoinCase {
  readonly as?: string | null;
  readonly max?: number;
}

const stateFrom = (of: GroupState | readonly Entry[]): GroupState => (of instanceof GroupState ? of : stateOf(...of));
const said = (decision: Entry | Refusal): unknown =>
  decision instanceof Refusal ? decision.code : decision.frame === '' ? decision.kind : JSON.parse(decision.frame);

function join(
  of: GroupState | readonly Entry[],
  caller: Caller,
  nodeId: string,
  { as = null, max = 100 }: JoinCase = {},
) {
  return said(decideJoin(stateFrom(of), { ...ids, caller, seat: seat(nodeId, as), maxMembers: max }));
}

function leave(of: GroupState | readonly Entry[], caller: Caller, whom: Named = { nodeId: caller.nodeId }) {
  return said(decideLeave(stateFrom(of), { ...ids, caller, whom }));
}

const reveal = (of: readonly Entry[], caller: Caller): unknown =>
  said(decideReveal(stateOf(...of), { ...ids, caller }));
const end = (of: readonly Entry[], caller: Caller): unknown => said(decideEnd(stateOf(...of), { ...ids, caller }));
const seen = (of: readonly Entry[], caller: Caller): unknown => refuseStranger(stateOf(...of), caller)?.code;
const event = (type: number, srcId: string) => ({ type, dest_session_id: 'party', id: 'e', src_id: srcId });

describe('a creation', () => {
  it('makes what was asked for, and is announced to nobody', () => {
    expect(decideCreation(none, TERMS, [seat('ann')])).toMatchObject({ kind: 'created', terms: TERMS, frame: '' });
  });

  it('is refused where there is, or ever was, a session of that id', () => {
    const refusal = new Refusal('session_exists', { field: 'session_id' });
    expect(decideCreation(stateOf(party), TERMS, [])).toEqual(refusal);
    expect(decideCreation(stateOf(party, ended), TERMS, [])).toEqual(refusal);
  });

  it('gives an alias to one member only', () => {
    const taken = decideCreation(none, TERMS, [seat('ann', '~a'), seat('bob', '~a')]);
    expect(taken).toEqual(new Refusal('alias_taken', { field: 'members' }));
    expect(said(decideCreation(none, TERMS, [seat('ann', '~a'), seat('bob', '~b')]))).toBe('created');
  });
});

describe('a node takes a seat itself', () => {
  it('where anyone can join, and is announced by node id or alias', () => {
    expect(join([open], node('cleo'), 'cleo')).toEqual(event(100, 'cleo'));
    expect(join([open], node('cleo'), 'cleo', { as: '~c' })).toEqual(event(100, '~c'));
  });

  it('nowhere else, and hears of a closed, an ended and no session the same', () => {
    const request = { ...ids, caller: node('cleo'), seat: seat('cleo'), maxMembers: 100 };
    const answers = [stateOf(party), stateOf(open, ended), none].map((state) => decideJoin(state, request));
    expect(answers).toEqual(answers.map(() => new Refusal('session_denied')));
  });

  it('once: a second join changes nothing, whatever it asks for, also where nobody else may join or all seats are taken', () => {
    for (const entries of [[open], [party], [masked]])
      expect(join(entries, node('bob'), 'bob', { as: '~new', max: 2 })).toBe('unchanged');
  });

  it('not beyond the most members that there may be', () => {
    expect(join([open], node('cleo'), 'cleo', { max: 2 })).toBe('too_many_members');
    expect(join([open, left('bob')], node('cleo'), 'cleo', { max: 2 })).toEqual(event(100, 'cleo'));
  });
});

describe('another is given a seat', () => {
  it('by the owner and by a backend', () => {
    for (const caller of [node('ann'), app()]) expect(join([party], caller, 'cleo')).toEqual(event(100, 'cleo'));
  });

  it('by no other member, and by no stranger', () => {
    expect(join([open], node('bob'), 'cleo')).toBe('forbidden');
    expect(join([open], node('eve'), 'cleo')).toBe('session_denied');
  });

  it('by nobody who owned the session and left, not even when it came back', () => {
    expect(join([open, left('ann')], node('ann'), 'cleo')).toBe('session_denied');
    expect(join([open, left('ann'), joined('ann')], node('ann'), 'cleo')).toBe('forbidden');
  });

  it('as a hidden member by a backend only', () => {
    expect(join([party], node('ann'), 'cleo', { as: '~c' })).toBe('forbidden');
    expect(join([party], app(), 'cleo', { as: '~c' })).toEqual(event(100, '~c'));
  });

  it('under an alias that no member has, hidden or not any more', () => {
    expect(join([masked], app(), 'cleo', { as: '~h' })).toBe('alias_taken');
    expect(join([masked, revealed('hal')], app(), 'cleo', { as: '~h' })).toBe('alias_taken');
  });

  it('under an alias that nobody had in a stay that ended a moment ago', () => {
    const past = [party, joined('hal', '~h'), left('hal')];
    expect(join(past, app(), 'ida', { as: '~h' })).toBe('alias_taken');
  });

  it('by node id by a backend only while somebody hidden is there', () => {
    expect(join([masked], node('ann'), 'cleo')).toBe('anonymous_present');
    expect(join([masked], node('ann'), 'hal')).toBe('anonymous_present');
    expect(join([masked], app(), 'cleo')).toEqual(event(100, 'cleo'));
    expect(join([masked, revealed('hal')], node('ann'), 'cleo')).toEqual(event(100, 'cleo'));
    expect(join([masked, left('hal')], node('ann'), 'cleo')).toEqual(event(100, 'cleo'));
  });

  it('in no session that is not there: a backend is told so', () => {
    expect(join(none, app(), 'cleo')).toBe('session_unknown');
    expect(join([party, ended], app(), 'cleo')).toBe('session_unknown');
  });
});

describe('a seat is given up', () => {
  it('by whoever sits in it, announced by what the others know it by', () => {
    expect(leave([party], node('bob'))).toEqual(event(103, 'bob'));
    expect(leave([masked], node('hal'))).toEqual(event(103, '~h'));
    expect(leave([masked, revealed('hal')], node('hal'))).toEqual(event(103, 'hal'));
  });

  it('for another by the owner and a backend, by node id or alias', () => {
    for (const caller of [node('ann'), app()]) {
      expect(leave([masked], caller, { nodeId: 'bob' })).toEqual(event(103, 'bob'));
      expect(leave([masked], caller, { alias: '~h' })).toEqual(event(103, '~h'));
    }
    expect(leave([masked], node('hal'), { alias: '~h' })).toEqual(event(103, '~h'));
  });

  it('by the node id of somebody hidden for nobody but itself and a backend: the owner hears what it hears of strangers', () => {
    const asked = (nodeId: string): Entry | Refusal =>
      decideLeave(stateOf(masked), { ...ids, caller: node('ann'), whom: { nodeId } });
    expect(asked('hal')).toEqual(new Refusal('member_unknown', { field: 'node_id' }));
    expect(asked('hal')).toEqual(asked('nobody'));
    expect(leave([masked], app(), { nodeId: 'hal' })).toEqual(event(103, '~h'));
  });

  it('not by other members: who is there they learn nothing of', () => {
    for (const nodeId of ['ann', 'hal', 'nobody']) expect(leave([masked], node('bob'), { nodeId })).toBe('forbidden');
    expect(leave([masked], node('bob'), { alias: '~h' })).toBe('forbidden');
  });

  it('under no alias that is none, and under none of a stay that is over', () => {
    expect(leave([masked], node('ann'), { alias: 'bob' })).toBe('member_unknown');
    expect(leave([masked, left('hal')], node('ann'), { alias: '~h' })).toBe('member_unknown');
  });

  it('nowhere by strangers, before or after the end', () => {
    expect(leave([party], node('eve'), { nodeId: 'bob' })).toBe('session_denied');
    expect(leave([party, left('bob')], node('bob'))).toBe('session_denied');
    expect(leave([party, ended], node('ann'))).toBe('session_denied');
    expect(leave(none, app(), { nodeId: 'bob' })).toBe('session_unknown');
  });

  it('by the owner: only a backend administers from then on', () => {
    const entries = [created({ anyoneCanJoin: true }, seat('ann'), seat('bob')), left('ann')];
    expect(leave(entries, node('bob'), { nodeId: 'bob' })).toEqual(event(103, 'bob'));
    expect(end(entries, node('bob'))).toBe('forbidden');
    expect(end([...entries, joined('ann')], node('ann'))).toBe('forbidden');
    expect(end(entries, app('shop'))).toEqual(event(105, 'shop'));
  });
});

describe('a member reveals itself', () => {
  it('and is announced by its alias, with its node id', () => {
    expect(reveal([masked], node('hal'))).toEqual({ ...event(104, '~h'), payload: { node_id: 'hal' } });
  });

  it('once: again, or visible already, changes nothing', () => {
    expect(reveal([masked, revealed('hal')], node('hal'))).toBe('unchanged');
    expect(reveal([masked], node('ann'))).toBe('unchanged');
  });

  it('and no other, whoever asks', () => {
    expect(reveal([masked], node('eve'))).toBe('session_denied');
    expect(reveal([masked], app())).toBe('member_unknown');
  });
});

describe('a session is ended', () => {
  it('by its owner, by what the others know it by, and by a backend', () => {
    expect(end([party], node('ann'))).toEqual(event(105, 'ann'));
    expect(end([created({ owner: 'hal' }, seat('hal', '~h'))], node('hal'))).toEqual(event(105, '~h'));
    expect(end([party], app('shop'))).toEqual(event(105, 'shop'));
  });

  it('by no other member, by no stranger, and once', () => {
    expect(end([party], node('bob'))).toBe('forbidden');
    expect(end([party], node('eve'))).toBe('session_denied');
    expect(end([party, ended], node('ann'))).toBe('session_denied');
    expect(end([party, ended], app())).toBe('session_unknown');
  });
});

it('only members and backends see a session, and nobody one that ended', () => {
  expect([seen([party], node('bob')), seen([party], app())]).toEqual([undefined, undefined]);
  expect([seen([party], node('eve')), seen([party, ended], node('bob'))]).toEqual(['session_denied', 'session_denied']);
  expect([seen([party, ended], app()), refuseStranger(none, app())?.code]).toEqual([
    'session_unknown',
    'session_unknown',
  ]);
});

it('who owns and who is the master goes with the seat of the first, and with the node of the second', () => {
  const game = created({ type: 'game', owner: 'ann', master: 'ann' }, seat('ann'), seat('bob'));
  const first = stateOf(game);
  const back = stateOf(game, left('ann'), joined('ann'));
  const roles = [first, back].map((state) => [isOwner, isMaster].map((is) => is(state, state.stayOf('ann')!)));
  expect(roles).toEqual([
    [true, true],
    [false, true],
  ]);
});
