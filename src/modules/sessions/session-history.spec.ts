import { beforeEach, describe, expect, it } from 'vitest';
import { created, joined, left, rowsOf, said, seat } from '../../../test/support/entry-rows.js';
import { FakeInboxLog } from '../../../test/support/fake-inbox-log.js';
import { encodeEntry, type Entry } from './group-entry.js';
import { GroupState } from './group-state.js';
import { type EntryReader, readEntries } from './session-history.js';
import type { EntryQuery, Terms } from './sessions.types.js';

const LOG = 's:party';
const MANY = 1_000_000;

let store: FakeInboxLog;
let state: GroupState;

function given(terms: Partial<Terms>, ...entries: readonly Entry[]): void {
  store = new FakeInboxLog();
  state = new GroupState(LOG, 0, undefined, []);
  const all = [created(terms, seat('ann'), seat('bob')), ...entries];
  for (const [index, row] of rowsOf(all).entries()) {
    store.slip(LOG, { key: row.key, body: encodeEntry(all[index]!), at: row.at });
    state.apply(row);
  }
}

const to = (nodeId: string, isPrivate = true): Partial<Extract<Entry, { kind: 'message' }>> => ({
  to: { nodeId, joined: 1 },
  ...(isPrivate && { isPrivate }),
});

function reader(nodeId: string, trusted = false): EntryReader {
  return { nodeId, trusted, tail: state.n, stays: state.staysOf(nodeId) };
}

/** Numbers of the page, with an ellipsis when there is more. */
async function read(of: EntryReader, query: EntryQuery = {}, maxBytes = MANY): Promise<string> {
  const { frames, tail, complete } = await readEntries(store, state, of, query, maxBytes);
  expect(tail).toBe(state.n);
  const numbers = frames.map((frame) => (JSON.parse(frame) as { session_seq: number }).session_seq);
  return `${numbers.join(' ')}${complete ? '' : ' …'}`;
}

describe('a member reads', () => {
  beforeEach(() => given({}, said('ann'), joined('cleo'), said('ann'), left('cleo'), said('ann'), joined('cleo')));

  it('what its stays cover, from its join to its leave, both included, and all of them', async () => {
    expect(await read(reader('ann'))).toBe('2 3 4 5 6 7');
    expect(await read(reader('cleo'))).toBe('3 4 5 7');
    expect(await read(reader('eve'))).toBe('');
  });

  it('everything where the history is for all', async () => {
    given({ history: 'all' }, said('ann'), joined('cleo'), said('ann'));
    expect(await read(reader('cleo'))).toBe('2 3 4');
  });

  it('frames with their place and time, and without a place in an inbox', async () => {
    const { frames } = await readEntries(store, state, reader('ann'), { before: 3 }, MANY);
    expect(frames.map((frame) => JSON.parse(frame) as unknown)).toEqual([
      { timestamp: 1_002, session_seq: 2, type: 0 },
    ]);
  });
});

describe('what is for one member', () => {
  beforeEach(() => given({ history: 'all' }, said('ann', to('bob')), joined('cleo'), said('cleo', to('ann', false))));

  it('is read by the two, and by no other member', async () => {
    expect(await read(reader('ann'))).toBe('2 3 4');
    expect(await read(reader('bob'))).toBe('2 3');
    expect(await read(reader('cleo'))).toBe('3 4');
  });

  it('is read by a backend only if it was not private, or the backend itself wrote it', async () => {
    expect(await read(reader('app', true))).toBe('3 4');
    given({}, said('ann', to('bob')), said('app', to('bob')));
    expect(await read(reader('app', true))).toBe('3');
  });
});

describe('a page', () => {
  beforeEach(() => given({}, ...Array.from({ length: 9 }, () => said('ann'))));

  it('is what lies between its bounds, both exclusive', async () => {
    expect(await read(reader('ann'), { after: 3, before: 7 })).toBe('4 5 6');
    expect(await read(reader('ann'), { after: 10 })).toBe('');
    expect(await read(reader('ann'), { after: 6, before: 7 })).toBe('');
    expect(await read(reader('ann'), { after: 99 })).toBe('');
  });

  it('ends at its limit and says that there is more', async () => {
    expect(await read(reader('ann'), { limit: 3 })).toBe('2 3 4 …');
    expect(await read(reader('ann'), { after: 7, limit: 3 })).toBe('8 9 10');
  });

  it('is the last ones, ascending, where only its end is given', async () => {
    expect(await read(reader('ann'), { before: 9, limit: 3 })).toBe('6 7 8 …');
    expect(await read(reader('ann'), { before: 4, limit: 3 })).toBe('2 3');
  });

  it('ends at so many bytes, and has at least one', async () => {
    expect(await read(reader('ann'), {}, 1)).toBe('2 …');
    expect(await read(reader('ann'), { before: 99 }, 1)).toBe('10 …');
  });

  it('is complete when nothing behind it is for the reader', async () => {
    given({}, said('ann', to('bob')), joined('cleo'), said('ann', to('bob')), said('ann', to('bob')));
    expect(await read(reader('cleo'), { limit: 1 })).toBe('3');
  });

  it('begins at the floor, and leaves out what was dropped', async () => {
    store.setMarks(LOG, { floor: 5 });
    expect(await read(reader('ann'))).toBe('5 6 7 8 9 10');
    await store.dropBodies(LOG, 7);
    expect(await read(reader('ann'))).toBe('7 8 9 10');
  });
});

it('whoever can read little of much gets that in one page', async () => {
  given({}, ...Array.from({ length: 1_500 }, () => said('ann', to('bob'))), joined('cleo'));
  expect(await read(reader('cleo'), { after: 0 })).toBe('1502');
  expect(await read(reader('cleo'), { before: 2_000 })).toBe('1502');
});

it('what lies outside of all stays of a member is not looked through', async () => {
  const many = Array.from({ length: 2_000 }, () => said('ann'));
  given({}, ...many, joined('cleo'), said('ann'), left('cleo'), ...many);
  const bounds: EntryQuery[] = [{}, { before: 5_000 }];
  for (const query of bounds) {
    store.calls.length = 0;
    expect(await read(reader('cleo'), query)).toBe('2002 2003 2004');
    expect(store.calls.filter((method) => method === 'read')).toHaveLength(1);
  }
});
