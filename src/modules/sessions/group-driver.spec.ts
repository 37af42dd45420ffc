import { beforeEach, describe, expect, it } from 'vitest';
import { app, GroupServices, GroupStore, newSession, node } from '../../../test/support/group-services.js';
import { StoreUnavailable } from '../inbox/index.js';
import type { Destination } from '../../protocol/index.js';

const LOG = 's:party';
const toAll: Destination = { kind: 'session', sessionId: 'party' };
const ann = node('ann');

let store: GroupStore;
let here: GroupServices;

async function withMembers(...nodeIds: readonly string[]): Promise<void> {
  const members = nodeIds.map((nodeId) => ({ nodeId, anonymous: false }));
  await here.sessions.create(app(), newSession({ sessionId: 'party', members }));
  await here.settle();
}

/** Another process over the same store. It drives nothing unless it is started. */
function another(): GroupServices {
  return new GroupServices(store);
}

/** A process that appends and comes to an end before it drove anything. */
async function leftOpen(...ids: readonly string[]): Promise<void> {
  const dead = another();
  dead.stop();
  for (const id of ids) expect(await dead.send(ann, toAll, { id })).toBe('stored');
  await dead.settle();
}

/** While `isAway`, nothing can be written into this inbox. */
function failing(log: string): { isAway: boolean } {
  const failure = { isAway: true };
  const insert = store.log.insert.bind(store.log);
  store.log.insert = (rows) => {
    const isHit = failure.isAway && rows.some((row) => row.log === log);
    return isHit ? Promise.reject(new StoreUnavailable('away')) : insert(rows);
  };
  return failure;
}

beforeEach(() => {
  store = new GroupStore({ lanes: 4 });
  here = another();
});

describe('an entry', () => {
  it('goes into the inbox of each member that it is for, in chunks of 256', async () => {
    const nodeIds = Array.from({ length: 600 }, (_, index) => `n${index}`);
    await withMembers('ann', ...nodeIds);
    let most = 0;
    store.log.step = () => Promise.resolve(void (most = Math.max(most, here.inbox.depths.appends)));
    await here.send(ann, toAll);
    await here.settle();
    expect(nodeIds.filter((nodeId) => store.entriesFor(nodeId).join() === '2')).toHaveLength(600);
    expect(store.entriesFor('ann')).toEqual([]);
    expect(most).toBe(256);
  });

  it('is marked as driven some time later, for many at once, and is not open any more', async () => {
    here.start();
    await withMembers('ann', 'bob');
    for (const id of ['m1', 'm2', 'm3']) await here.send(ann, toAll, { id });
    await here.settle();
    expect(store.entriesFor('bob')).toEqual([2, 3, 4]);
    expect([store.log.marksNow(LOG).acked, store.log.openOf(LOG)]).toEqual([0, [1, 2, 3, 4]]);
    expect(here.groups.depths.undriven).toBe(1);
    await here.pass(500);
    expect([store.log.marksNow(LOG).acked, store.log.openOf(LOG)]).toEqual([4, []]);
    expect(store.log.calls.filter((method) => method === 'raiseAcked')).toHaveLength(1);
    expect(here.groups.depths.undriven).toBe(0);
  });

  it('stays open until both are done, the mark and the closing', async () => {
    here.start();
    await withMembers('ann', 'bob');
    store.groupLog.fault = (method) => (method === 'close' ? 'before' : 'none');
    await here.pass(500);
    expect([store.log.marksNow(LOG).acked, store.log.openOf(LOG)]).toEqual([1, [1]]);
    store.groupLog.fault = () => 'none';
    await here.pass(500);
    expect(store.log.openOf(LOG)).toEqual([]);
  });
});

it('what is driven while a mark is on its way is marked by the next', async () => {
  here.start();
  await withMembers('ann', 'bob');
  const held = store.log.hold('raiseAcked');
  here.clock.advance(500);
  await held.reached;
  await here.send(ann, toAll);
  await here.settle();
  held.release();
  await here.settle();
  expect([store.log.marksNow(LOG).acked, store.log.openOf(LOG)]).toEqual([1, [2]]);
  await here.pass(500);
  expect([store.log.marksNow(LOG).acked, store.log.openOf(LOG)]).toEqual([2, []]);
});

describe('what fails for one inbox', () => {
  it('is tried again, with all later entries behind it and none twice', async () => {
    await withMembers('ann', 'bob', 'dora');
    const failure = failing('n:bob');
    await Promise.all(['m1', 'm2', 'm3'].map((id) => here.send(ann, toAll, { id })));
    await here.settle();
    await here.pass(500);
    expect(store.entriesFor('bob')).toEqual([]);
    expect(store.entriesFor('dora')).toEqual([2, 3, 4]);
    failure.isAway = false;
    await here.pass(500);
    expect(store.entriesFor('bob')).toEqual([2, 3, 4]);
    expect(store.entriesFor('dora')).toEqual([2, 3, 4]);
  });

  it('is not marked as driven, nor is anything behind it', async () => {
    here.start();
    await withMembers('ann', 'bob', 'dora');
    await here.pass(500);
    failing('n:bob');
    for (const id of ['m1', 'm2']) await here.send(ann, toAll, { id });
    for (let round = 0; round < 4; round += 1) await here.pass(500);
    expect([store.log.marksNow(LOG).acked, store.log.openOf(LOG)]).toEqual([1, [2, 3]]);
  });

  it('keeps back the members of later chunks too, so that nobody has a later entry without it', async () => {
    const nodeIds = Array.from({ length: 300 }, (_, index) => `n${index}`);
    await withMembers('ann', ...nodeIds);
    const failure = failing('n:n0');
    for (const id of ['m1', 'm2']) await here.send(ann, toAll, { id });
    await here.pass(500);
    expect(store.entriesFor('n299')).toEqual([]);
    failure.isAway = false;
    for (let round = 0; round < 3; round += 1) await here.pass(500);
    for (const nodeId of nodeIds) expect(store.entriesFor(nodeId)).toEqual([2, 3]);
  });
});

it('a store that is away and comes back gets all of it, in order', async () => {
  await withMembers('ann', 'bob');
  for (const id of ['m1', 'm2']) await here.send(ann, toAll, { id });
  store.log.away = store.groupLog.away = true;
  for (let round = 0; round < 5; round += 1) await here.pass(500);
  expect(store.entriesFor('bob')).toEqual([]);
  store.log.away = store.groupLog.away = false;
  await here.pass(500);
  expect(store.entriesFor('bob')).toEqual([2, 3]);
});

describe('what a process left open', () => {
  beforeEach(async () => {
    await withMembers('ann', 'bob', 'dora');
    here.start();
    await here.pass(500);
  });

  it('is driven by another once it saw it open for the time that it may be', async () => {
    await here.pass(4_000);
    await leftOpen('m1', 'm2');
    await here.pass(5_000);
    expect(store.entriesFor('bob')).toEqual([]);
    await here.pass(5_000);
    expect([store.entriesFor('bob'), store.entriesFor('dora')]).toEqual([
      [2, 3],
      [2, 3],
    ]);
    await here.pass(500);
    expect(store.log.openOf(LOG)).toEqual([]);
  });

  it('is driven at once by one that starts', async () => {
    await leftOpen('m1');
    const starting = another();
    starting.start();
    await starting.settle();
    expect(store.entriesFor('bob')).toEqual([2]);
  });

  it('is driven first by one that has something to drive above it', async () => {
    await leftOpen('m1');
    const other = another();
    await other.send(ann, toAll, { id: 'm2' });
    await other.settle();
    expect([store.entriesFor('bob'), store.entriesFor('dora')]).toEqual([
      [2, 3],
      [2, 3],
    ]);
  });

  it('half driven, reaches those whom it did not reach, and nobody twice', async () => {
    const dying = another();
    const failure = failing('n:dora');
    await dying.send(ann, toAll, { id: 'm1' });
    await dying.settle();
    dying.stop();
    expect([store.entriesFor('bob'), store.entriesFor('dora')]).toEqual([[2], []]);
    failure.isAway = false;
    const starting = another();
    starting.start();
    await starting.settle();
    expect([store.entriesFor('bob'), store.entriesFor('dora')]).toEqual([[2], [2]]);
  });

  it('driven and not closed, is closed', async () => {
    const dying = another();
    dying.start();
    await dying.send(ann, toAll, { id: 'm1' });
    await dying.settle();
    store.groupLog.fault = (method) => (method === 'close' ? 'before' : 'none');
    await dying.pass(500);
    dying.stop();
    store.groupLog.fault = () => 'none';
    expect([store.log.marksNow(LOG).acked, store.log.openOf(LOG)]).toEqual([2, [2]]);
    const starting = another();
    starting.start();
    await starting.settle();
    await starting.pass(500);
    expect(store.log.openOf(LOG)).toEqual([]);
    expect(store.entriesFor('bob')).toEqual([2]);
  });

  it('is driven also while a group before it cannot be read', async () => {
    await here.sessions.create(
      app(),
      newSession({ sessionId: 'first', members: [{ nodeId: 'bob', anonymous: false }] }),
    );
    await here.pass(500);
    const dead = another();
    dead.stop();
    await dead.send(app(), { kind: 'session', sessionId: 'first' });
    await leftOpen('m1');
    const read = store.log.newest.bind(store.log);
    store.log.newest = (logs) => (logs.includes('s:first') ? Promise.reject(new StoreUnavailable('away')) : read(logs));
    const starting = another();
    starting.start();
    await starting.settle();
    expect([store.entriesFor('bob', 's:first'), store.entriesFor('bob', LOG)]).toEqual([[], [2]]);
    store.log.newest = read;
    for (let round = 0; round < 3; round += 1) await starting.pass(5_000);
    expect(store.entriesFor('bob', 's:first')).toEqual([2]);
  });

  it('of many groups is found page by page', async () => {
    const dead = another();
    dead.stop();
    const names = Array.from({ length: 130 }, (_, index) => `g${index}`);
    for (const sessionId of names) {
      await dead.sessions.create(app(), newSession({ sessionId, members: [{ nodeId: 'bob', anonymous: false }] }));
      await dead.send(app(), { kind: 'session', sessionId });
    }
    const starting = another();
    starting.start();
    for (let turn = 0; turn < 30; turn += 1) await starting.settle();
    await starting.pass(500);
    expect(store.log.openLogs()).toEqual([]);
    expect(store.entriesFor('bob')).toHaveLength(130);
  });
});

it('a process that only reads a group keeps nothing of those who came and went long ago', async () => {
  here.start();
  const reading = another();
  reading.start();
  await withMembers('ann', 'bob');
  await reading.groups.state(LOG);
  for (let round = 0; round < 510; round += 1) {
    await here.sessions.join(app(), 'party', { nodeId: 'eve', anonymous: true });
    await here.sessions.unjoin(app(), 'party', { nodeId: 'eve' });
  }
  await here.settle();
  await here.pass(500);
  const state = await reading.groups.state(LOG);
  expect(state.staysOf('eve')).toHaveLength(510);
  await reading.pass(5_000);
  expect([state.staysOf('eve'), state.unprojected.size, state.size]).toEqual([[], 0, 2]);
  here.stop();
  expect(await reading.send(ann, toAll)).toBe('stored');
  await reading.settle();
  expect(store.entriesFor('bob').at(-1)).toBe(1_022);
});

it('two processes that drive the same at once harm nobody', async () => {
  const other = another();
  await withMembers('ann', 'bob', 'dora');
  const sending = [here, other].map((process) =>
    ['m1', 'm2', 'm3'].map((id) => process.send(ann, toAll, { id: `${id}${process === here}` })),
  );
  for (let round = 0; round < 40; round += 1) {
    await here.pass(50);
    await other.pass(50);
  }
  const answers = await Promise.all(sending.flat());
  const stored = answers.filter((answer) => answer === 'stored').length;
  const all = Array.from({ length: stored }, (_, index) => index + 2);
  expect(stored).toBeGreaterThanOrEqual(3);
  expect([store.entriesFor('bob'), store.entriesFor('dora')]).toEqual([all, all]);
});

it('a process that stops leaves the rest to others', async () => {
  await withMembers('ann', 'bob');
  here.stop();
  await here.send(ann, toAll);
  await here.settle();
  expect(store.entriesFor('bob')).toEqual([]);
  expect(store.log.openOf(LOG)).toContain(2);
});
