import { describe, expect, it } from 'vitest';
import { created, ended, joined, left, revealed, seat, stateOf } from '../../../test/support/entry-rows.js';
import { app, messageOf, node } from '../../../test/support/group-services.js';
import { type Destination, Refusal } from '../../protocol/index.js';
import type { Entry } from './group-entry.js';
import { GroupState } from './group-state.js';
import { decideClientMessage, decideSessionMessage, type MessageEntry } from './message-rules.js';
import type { Caller } from './sessions.types.js';

const toAll: Destination = { kind: 'session', sessionId: 'party' };
const toMember = (memberId: string): Destination => ({ kind: 'private', sessionId: 'party', memberId });
const party = created({}, seat('ann'), seat('bob'), seat('hal', '~h'));

/** What becomes of a message under the id `mine` in a session where this happened. */
function decided(entries: readonly Entry[], from: Caller, to: Destination): MessageEntry | string {
  const said = decideSessionMessage(stateOf(...entries), messageOf(from, to, { id: 'mine', payload: '1' }), 'other');
  return said instanceof Refusal ? said.code : said;
}

function frameOf(entry: MessageEntry | string): unknown {
  return typeof entry === 'string' ? entry : JSON.parse(entry.frame);
}

const receiverOf = (entry: MessageEntry | string): unknown => (typeof entry === 'string' ? entry : entry.to?.nodeId);

describe('a message to a session', () => {
  it('goes out under the id and in the name of its sender', () => {
    const entry = decided([party], node('ann', 'family'), toAll);
    expect(entry).toMatchObject({ kind: 'message', from: 'ann' });
    expect(entry).not.toHaveProperty('to');
    expect(frameOf(entry)).toEqual({
      type: 0,
      dest_session_id: 'party',
      id: 'mine',
      src_id: 'ann',
      src_client_id: 'family',
      payload: 1,
    });
  });

  it('of an anonymous member goes out under its alias, with another id, and names no client', () => {
    const frame = frameOf(decided([party], node('hal', 'family'), toAll));
    expect(frame).toEqual({ type: 0, dest_session_id: 'party', id: 'other', src_id: '~h', payload: 1 });
  });

  it('of one that revealed itself goes out like that of any other', () => {
    const frame = frameOf(decided([party, revealed('hal')], node('hal', 'family'), toAll));
    expect(frame).toMatchObject({ id: 'mine', src_id: 'hal', src_client_id: 'family' });
  });

  it('is denied to strangers, to who left, after the end and where there is none, in the same words', () => {
    const denied = [
      decideSessionMessage(stateOf(party), messageOf(node('eve'), toAll), 'x'),
      decideSessionMessage(stateOf(party, left('bob')), messageOf(node('bob'), toAll), 'x'),
      decideSessionMessage(stateOf(party, ended), messageOf(node('ann'), toAll), 'x'),
      decideSessionMessage(new GroupState('s:none', 0, undefined, []), messageOf(node('ann'), toAll), 'x'),
      decideSessionMessage(stateOf(party, ended), messageOf(app(), toAll), 'x'),
      decideSessionMessage(stateOf(party), messageOf(node('eve'), toMember('nobody')), 'x'),
    ];
    expect(denied).toEqual(denied.map(() => new Refusal('session_denied')));
  });

  it('is taken from a backend that is no member, in its own name', () => {
    expect(frameOf(decided([party], app('shop'), toAll))).toMatchObject({ src_id: 'shop' });
  });
});

describe('a private message', () => {
  it('is for one stay of one member, named by its node id or alias, and for nobody else', () => {
    const entries = [party, joined('cleo')];
    expect(decided(entries, node('ann'), toMember('cleo'))).toMatchObject({
      to: { nodeId: 'cleo', joined: 2 },
      isPrivate: true,
    });
    const hidden = decided(entries, node('ann'), toMember('~h'));
    expect(hidden).toMatchObject({ to: { nodeId: 'hal', joined: 1 }, isPrivate: true });
    expect(frameOf(hidden)).toMatchObject({ dest_session_id: 'party', dest_id: '~h' });
  });

  it('reaches one that revealed itself by both names', () => {
    const entries = [party, revealed('hal')];
    for (const name of ['hal', '~h']) expect(receiverOf(decided(entries, node('ann'), toMember(name)))).toBe('hal');
  });

  it('to somebody hidden by its node id is answered as one to a stranger is', () => {
    const toHidden = decideSessionMessage(stateOf(party), messageOf(node('ann'), toMember('hal')), 'x');
    const toStranger = decideSessionMessage(stateOf(party), messageOf(node('ann'), toMember('eve')), 'x');
    expect(toHidden).toEqual(new Refusal('member_unknown', { field: 'dest_id' }));
    expect(toHidden).toEqual(toStranger);
  });

  it('reaches nobody who left, by whatever name', () => {
    const entries = [party, left('bob'), left('hal')];
    for (const name of ['bob', '~h', 'hal'])
      expect(decided(entries, node('ann'), toMember(name))).toBe('member_unknown');
  });
});

describe('in a game', () => {
  const game = created({ type: 'game', owner: 'ann', master: 'max' }, seat('ann'), seat('max'), seat('hal', '~h'));

  it('a message of the master is for all, one of a player for the master only and yet no private one', () => {
    const entry = decided([game], node('ann'), toAll);
    expect(receiverOf(entry)).toBe('max');
    expect(entry).not.toHaveProperty('isPrivate');
    expect(receiverOf(decided([game], node('max'), toAll))).toBeUndefined();
    expect(receiverOf(decided([game], app(), toAll))).toBeUndefined();
  });

  it('players write to the master only, the master and a backend to anybody', () => {
    expect(decided([game], node('ann'), toMember('~h'))).toBe('forbidden');
    expect(receiverOf(decided([game], node('ann'), toMember('max')))).toBe('max');
    expect(receiverOf(decided([game], node('max'), toMember('~h')))).toBe('hal');
    expect(receiverOf(decided([game], app(), toMember('ann')))).toBe('ann');
  });

  it('players hear that there is no master once it left, and reach it again when it came back', () => {
    const without = [game, left('max')];
    expect(decided(without, node('ann'), toAll)).toBe('no_master');
    expect(decided(without, node('ann'), toMember('max'))).toBe('member_unknown');
    expect(decided(without, node('ann'), toMember('~h'))).toBe('forbidden');
    expect(receiverOf(decided(without, app(), toAll))).toBeUndefined();
    expect(decided([...without, joined('max')], node('ann'), toAll)).toMatchObject({
      to: { nodeId: 'max', joined: 3 },
    });
  });
});

describe('a message to a client', () => {
  it('is for all its nodes, from whoever sends it', () => {
    const to: Destination = { kind: 'client', clientId: 'family' };
    const said = decideClientMessage(
      stateOf(created({}, seat('phone'))),
      messageOf(node('eve', 'others'), to, { id: 'm' }),
    );
    expect(said).toMatchObject({ kind: 'message', from: 'eve' });
    expect(said).not.toHaveProperty('report');
    expect(JSON.parse((said as MessageEntry).frame)).toMatchObject({
      dest_client_id: 'family',
      src_client_id: 'others',
    });
  });

  it('keeps in mind that its sender wants to hear of each node that acknowledged', () => {
    const to: Destination = { kind: 'client', clientId: 'family' };
    const asked = messageOf(node('eve'), to, { report: true });
    expect(decideClientMessage(stateOf(created({}, seat('phone'))), asked)).toMatchObject({ report: true });
  });

  it('is refused where no node ever named the client', () => {
    const asked = messageOf(node('eve'), { kind: 'client', clientId: 'nobody' });
    expect(decideClientMessage(new GroupState('c:nobody', 0, undefined, []), asked)).toEqual(
      new Refusal('node_unknown'),
    );
  });
});
