import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  created,
  ended,
  joined,
  left,
  revealed,
  rowOf,
  rowsOf,
  said,
  seat,
  stateOf,
} from '../../../test/support/entry-rows.js';
import { decodeEntry, type Entry } from './group-entry.js';
import type { Stay } from './group-log.js';
import { GroupState } from './group-state.js';

const ALL = 256;
const names = (state: GroupState): string[] => [...state.members()].map(({ nodeId }) => nodeId).toSorted();
const hear = (state: GroupState, n: number, entry: Entry, eventsMembers = ALL): string[] =>
  state.audience(n, entry, eventsMembers).toSorted();

const stayFromTheFirst = (nodeId: string, alias: string | null): Stay => ({
  nodeId,
  joined: 1,
  left: null,
  alias,
  revealed: null,
  issuedAt: 0,
});

/** Up to so many nodes, under names that sort as their numbers do. */
const crowd = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `n${String(index).padStart(3, '0')}`);

describe('the members of a group', () => {
  it('are those who were seated at its creation or joined, and did not leave', () => {
    const state = stateOf(created({}, seat('ann'), seat('bob')), joined('cleo'), left('bob'));
    expect(names(state)).toEqual(['ann', 'cleo']);
    expect(state.size).toBe(2);
    expect(state.stayOf('bob')).toBeUndefined();
    expect(state.latestOf('bob')).toMatchObject({ joined: 1, left: 3 });
  });

  it('change with the next entry only: one that was applied, or that comes too early, changes nothing', () => {
    const state = stateOf(created({}, seat('ann')), joined('bob'));
    state.apply(rowOf(left('ann'), 2));
    state.apply(rowOf(left('ann'), 4));
    expect([state.n, names(state)]).toEqual([2, ['ann', 'bob']]);
  });

  it('who joins again has a new stay, with an alias of its own', () => {
    const state = stateOf(created({}, seat('ann')), joined('bob', '~b1'), left('bob'), joined('bob', '~b2'));
    expect(state.staysOf('bob')).toMatchObject([
      { joined: 2, left: 3, alias: '~b1' },
      { joined: 4, left: null, alias: '~b2' },
    ]);
    expect(state.named('~b1')).toBeUndefined();
    expect(state.named('~b2')).toMatchObject({ nodeId: 'bob', joined: 4 });
  });

  it('an anonymous one is found by its alias only, and after it revealed itself by both', () => {
    const before = stateOf(created({}, seat('ann'), seat('bob', '~b')));
    expect(before.named('~b')).toMatchObject({ nodeId: 'bob' });
    expect(before.named('bob')).toBeUndefined();
    expect(before.hasAnonymous).toBe(true);
    const after = stateOf(created({}, seat('ann'), seat('bob', '~b')), revealed('bob'));
    expect(after.named('~b')).toMatchObject({ nodeId: 'bob', revealed: 2 });
    expect(after.named('bob')).toMatchObject({ nodeId: 'bob' });
    expect(after.hasAnonymous).toBe(false);
  });

  it('one that joins visibly after a hidden stay is found by its node id, and by no old alias', () => {
    const state = stateOf(created({}, seat('ann')), joined('bob', '~b'), left('bob'), joined('bob'));
    expect(state.named('bob')).toMatchObject({ joined: 4 });
    expect(state.named('~b')).toBeUndefined();
  });

  it('are nobody once it ended', () => {
    const state = stateOf(created({}, seat('ann'), seat('bob')), ended);
    expect([state.hasEnded, state.size, names(state)]).toEqual([true, 0, []]);
    expect(state.record).toMatchObject({ ended: 2, createdAt: 1_001 });
  });
});

describe('an entry is for', () => {
  const party = [created({}, seat('ann'), seat('bob'), seat('cleo'))];

  it('nobody when it is the creation, or changes nothing', () => {
    const unchanged: Entry = { kind: 'unchanged', nodeId: 'bob', frame: '' };
    const state = stateOf(...party, unchanged);
    expect([hear(state, 1, party[0]!), hear(state, 2, unchanged)]).toEqual([[], []]);
  });

  it('all but the sender when it is a message', () => {
    expect(hear(stateOf(...party, said('bob')), 2, said('bob'))).toEqual(['ann', 'cleo']);
  });

  it('the receiver alone when it names one', () => {
    const secret = said('bob', { to: { nodeId: 'cleo', joined: 1 }, isPrivate: true });
    expect(hear(stateOf(...party, secret), 2, secret)).toEqual(['cleo']);
  });

  it('everybody, the new one and the leaver too, when somebody joins, leaves or reveals itself', () => {
    const entries = [...party, joined('dave', '~d'), revealed('dave'), left('bob')];
    const state = stateOf(...entries);
    expect(hear(state, 2, entries[1]!)).toEqual(['ann', 'bob', 'cleo', 'dave']);
    expect(hear(state, 3, entries[2]!)).toEqual(['ann', 'bob', 'cleo', 'dave']);
    expect(hear(state, 4, entries[3]!)).toEqual(['ann', 'bob', 'cleo', 'dave']);
  });

  it('those who were members before it when it is the end', () => {
    const state = stateOf(...party, left('bob'), ended);
    expect(hear(state, 3, ended)).toEqual(['ann', 'cleo']);
  });

  it('those who were members then, whatever came since', () => {
    const state = stateOf(...party, said('ann'), left('bob'), joined('dave'), joined('bob'));
    expect(hear(state, 2, said('ann'))).toEqual(['bob', 'cleo']);
    expect(hear(state, 4, joined('dave'))).toEqual(['ann', 'cleo', 'dave']);
  });

  it('the newest members only where there is a limit, and its sender counts as one of them', () => {
    const state = stateOf(created({ notifyLimit: 2 }, seat('ann')), joined('bob'), joined('cleo'), said('ann'));
    expect(hear(state, 4, said('ann'))).toEqual(['bob', 'cleo']);
    expect(hear(state, 4, said('cleo'))).toEqual(['bob']);
    expect(hear(state, 3, joined('cleo'))).toEqual(['ann', 'bob', 'cleo']);
  });

  it('the same ones of those who came at once, whoever works it out', () => {
    const seats = crowd(6).map((nodeId) => seat(nodeId));
    const one = stateOf(created({ notifyLimit: 2 }, ...seats), said('n000'));
    const stays = [...one.members()].toReversed();
    const other = new GroupState('s:party', 1, one.record, stays);
    other.apply(rowOf(said('n000'), 2));
    expect(hear(other, 2, said('n000'))).toEqual(hear(one, 2, said('n000')));
  });

  it('whom it concerns only, where the group is too big for what happens to be announced', () => {
    const seats = crowd(3).map((nodeId) => seat(nodeId));
    const entries = [created({}, ...seats), joined('new', '~new'), revealed('new'), left('n001'), left('n002')];
    const state = stateOf(...entries);
    expect(hear(state, 2, entries[1]!, 4)).toEqual(['n000', 'n001', 'n002', 'new']);
    expect(hear(state, 2, entries[1]!, 3)).toEqual(['new']);
    expect(hear(state, 3, entries[2]!, 3)).toEqual([]);
    expect(hear(state, 4, entries[3]!, 2)).toEqual(['n001']);
    expect(hear(state, 5, entries[4]!, 2)).toEqual(['n000', 'n002', 'new']);
    const over = stateOf(...entries, ended);
    expect([hear(over, 6, ended, 2), hear(over, 6, ended, 1)]).toEqual([['n000', 'new'], []]);
    expect(hear(state, 3, said('n000'), 1)).toEqual(['n001', 'n002', 'new']);
  });
});

describe('of the stays that ended', () => {
  it('those are forgotten of which everything was driven and written, and others wait', () => {
    const state = stateOf(created({}, seat('ann'), seat('bob')), left('bob'), joined('cleo'));
    state.driven = 1;
    state.unprojected.clear();
    state.forgetEnded(false);
    expect(state.staysOf('bob')).toHaveLength(1);
    state.driven = 2;
    state.forgetEnded(false);
    expect(state.staysOf('bob')).toEqual([]);
    expect(names(state)).toEqual(['ann', 'cleo']);
  });

  it('none is forgotten that is not written yet', () => {
    const state = stateOf(created({}, seat('ann'), seat('bob')), left('bob'));
    state.driven = 2;
    state.forgetEnded(false);
    expect(state.staysOf('bob')).toHaveLength(1);
  });

  it('the latest of each node of a client stays in mind, for the key that it followed', () => {
    const state = stateOf(created({}, seat('ann')), left('ann'), joined('ann'), left('ann'));
    state.driven = 4;
    state.unprojected.clear();
    state.forgetEnded(true);
    expect(state.staysOf('ann')).toMatchObject([{ joined: 3, left: 4 }]);
  });
});

const atKey = (nodeId: string, issuedAt: number): Entry => ({
  kind: 'joined',
  seat: { nodeId, alias: null, issuedAt },
  frame: '',
});
const fence = (nodeId: string, issuedAt: number): Entry => ({ kind: 'unchanged', nodeId, issuedAt, frame: '' });

describe('of the nodes of a client', () => {
  it('the key that the last change followed is known, whether they are in or out', () => {
    const entries = [created({}, seat('other')), atKey('phone', 5), fence('phone', 7)];
    expect(stateOf(...entries).latestOf('phone')).toMatchObject({ left: null, issuedAt: 7 });
    const out: Entry = { kind: 'left', nodeId: 'phone', issuedAt: 9, frame: '' };
    expect(stateOf(...entries, out).latestOf('phone')).toMatchObject({ left: 4, issuedAt: 9 });
    expect(stateOf(...entries, out, fence('phone', 11)).latestOf('phone')).toMatchObject({ left: 4, issuedAt: 11 });
  });

  it('one that was never in is known to be out by a later key', () => {
    const state = stateOf(created({}, seat('other')), fence('phone', 7));
    expect(state.latestOf('phone')).toMatchObject({ left: 2, issuedAt: 7 });
    expect(state.stayOf('phone')).toBeUndefined();
    expect(state.audience(2, said('other'), ALL)).toEqual([]);
  });
});

const sorted = (state: GroupState): Stay[] => [...state.members()].toSorted((a, b) => a.nodeId.localeCompare(b.nodeId));

/** What happens by chance, with what can happen only. */
function history(choices: readonly number[]): Entry[] {
  const entries: Entry[] = [created({ notifyLimit: 3 }, seat('n0'), seat('n1', '~first'))];
  for (const [index, choice] of choices.entries()) {
    const state = stateOf(...entries);
    const nodeId = `n${choice % 5}`;
    const stay = state.stayOf(nodeId);
    if (!stay) entries.push(joined(nodeId, choice % 2 === 0 ? `~a${index}` : null));
    else if (choice % 7 < 3) entries.push(left(nodeId));
    else if (stay.alias !== null && stay.revealed === null && choice % 3 === 0) entries.push(revealed(nodeId));
    else entries.push(said(nodeId));
  }
  return entries;
}

/** The stays and the record as they are written when the entries up to n were applied. */
function projectionAt(entries: readonly Entry[], n: number): { stays: Stay[]; state: GroupState } {
  const state = stateOf(...entries.slice(0, n));
  return { stays: [...state.unprojected.values()], state };
}

it('a state that is loaded from what ran ahead of it says of every entry what one that saw all of them says', () => {
  const choices = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 25 });
  fc.assert(
    fc.property(choices, fc.nat(), fc.nat(), (chosen, somewhere, further) => {
      const entries = history(chosen);
      const driven = 1 + (somewhere % entries.length);
      const applied = driven + (further % (entries.length - driven + 1));
      const { stays, state: written } = projectionAt(entries, applied);
      const open = stays.filter((stay) => stay.left === null || stay.left > driven);
      const loaded = new GroupState('s:party', driven, written.record, open.toReversed());
      const whole = stateOf(...entries);
      for (const row of rowsOf(entries)) loaded.apply(row);
      expect(sorted(loaded)).toEqual(sorted(whole));
      expect(loaded.size).toBe(whole.size);
      for (const row of rowsOf(entries).slice(driven)) {
        const entry = decodeEntry(row.body);
        expect(hear(loaded, row.n, entry)).toEqual(hear(whole, row.n, entry));
      }
      for (const { alias } of stays) if (alias !== null) expect(loaded.named(alias)).toEqual(whole.named(alias));
    }),
  );
});

it('a group that is loaded sends to its members in an order that tells nothing of who sits in an anonymous seat', () => {
  const record = { created: '{}', createdAt: 1, ended: null };
  const audienceWith = (hidden: string): string[] => {
    const stays = [
      stayFromTheFirst(hidden, '~h'),
      stayFromTheFirst('bob', null),
      stayFromTheFirst('mia', null),
    ].toSorted((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
    const { kind, from, frame } = said('eve') as Extract<Entry, { kind: 'message' }>;
    return new GroupState('s:party', 1, record, stays).audience(1, { kind, from, frame }, ALL);
  };
  expect(audienceWith('abe').map((nodeId) => (nodeId === 'abe' ? '~h' : nodeId))).toEqual(
    audienceWith('zoe').map((nodeId) => (nodeId === 'zoe' ? '~h' : nodeId)),
  );
});
