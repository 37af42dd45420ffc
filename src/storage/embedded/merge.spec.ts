import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { entryKey, inboxLogOf, sessionLogOf } from '../../modules/inbox/index.js';
import { logRow, logRows } from '../../modules/inbox/testing/index.js';
import { EmbeddedInboxLog } from './embedded-inbox-log.js';
import type { EmbeddedStore } from './embedded-store.js';
import type { Generation } from './generation.js';
import { StoreFolder } from './testing/store-folder.js';

const A = inboxLogOf('a');
const B = inboxLogOf('b');
const G = sessionLogOf('g');
const SEAT = { log: A, group: G };
const EVERYTHING = { after: 0, before: 1e9, limit: 1e6, maxBytes: 1e9 };
const LATER = 1e15;

let folder: StoreFolder;
beforeEach(() => void (folder = new StoreFolder({ mergeChunk: 5 })));
afterEach(() => folder.remove());

async function numbers(log: EmbeddedInboxLog, name: string): Promise<number[]> {
  return (await log.read(name, EVERYTHING)).map((row) => row.n);
}

function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i + 1);
}

/** Rows of an inbox, each third of them an entry of a group with the row's number. */
function mixedRows(from: number, to: number) {
  return logRows(A, from, to).map((row) => (row.n % 3 === 0 ? { ...row, key: entryKey(G, row.n) } : row));
}

/** The first so many chunks of a merge, as if the process had ended behind them. */
async function mergePartly(store: EmbeddedStore, chunks: number): Promise<void> {
  const frozen = store.journal.freeze()!;
  const entries = store.journal.index.entriesOf(frozen);
  for (let i = 0; i < chunks * 5; i++) await store.writes.run(1, () => entries.next().value?.(0));
}

async function openTwo() {
  const stores = [await folder.open(), await folder.open()] as const;
  return { stores, logs: [new EmbeddedInboxLog(stores[0]), new EmbeddedInboxLog(stores[1])] as const };
}

async function mergeAll(store: EmbeddedStore, frozen: Generation): Promise<void> {
  await store.writes.run(1, () => {
    for (const entry of store.journal.index.entriesOf(frozen)) entry(0);
    store.journal.index.setMergedUpTo(frozen.end);
  });
}

describe('a merge', () => {
  it('moves all from memory into the index', async () => {
    const store = await folder.open();
    const log = new EmbeddedInboxLog(store);
    await log.insert([...logRows(A, 1, 30), ...logRows(B, 1, 9)]);
    expect(store.journal.unmerged).toBe(39);
    await store.merger.merge();
    expect([store.journal.unmerged, store.journal.index.mergedUpTo()]).toEqual([0, 39]);
    expect([await numbers(log, A), await numbers(log, B)]).toEqual([upTo(30), upTo(9)]);
  });

  it.each([0, 1, 3, 7, 8])('that ended behind %d chunks is made up for', async (chunks) => {
    const store = await folder.open();
    await new EmbeddedInboxLog(store).insert([...logRows(A, 1, 20), ...logRows(B, 1, 14)]);
    await mergePartly(store, chunks);
    await folder.closeAll();

    const again = await folder.open();
    const log = new EmbeddedInboxLog(again);
    expect(await log.insert([logRow(A, 21, { key: 'key-20' })])).toEqual({ inserted: 0, stoppedBy: 'key' });
    expect(await log.insert([logRow(A, 21), logRow(A, 22)])).toEqual({ inserted: 2 });
    for (const merge of [() => Promise.resolve(), () => again.merger.merge()]) {
      await merge();
      expect([await numbers(log, A), await numbers(log, B)]).toEqual([upTo(22), upTo(14)]);
      expect((await log.findKeys(A, ['key-1', 'key-22'])).map((row) => row?.n)).toEqual([1, 22]);
    }
  });

  it.each([0, 1, 3, 5, 8])('counts each row of a group once, %d chunks of it being done', async (chunks) => {
    const store = await folder.open();
    const log = new EmbeddedInboxLog(store);
    await log.insert(mixedRows(1, 12));
    await store.merger.merge();
    await log.insert(mixedRows(13, 30));
    await mergePartly(store, chunks);
    await log.insert(mixedRows(31, 36));
    const counts = [0, 5, 12, 14, 30, 33, 36].map((above) => log.countOfSeat(SEAT, above, 100));
    expect(await Promise.all(counts)).toEqual([12, 11, 8, 8, 2, 1, 0]);
    expect(await Promise.all([1, 2, 3, 9].map((limit) => log.countOfSeat(SEAT, 0, limit)))).toEqual([1, 2, 3, 9]);
    expect((await log.seats([SEAT]))[0]).toMatchObject({ entry: 36, n: 36 });
  });

  it('begins by itself when enough rows wait', async () => {
    const store = await folder.open({ mergeRows: 10, mergeChunk: 5 });
    const log = new EmbeddedInboxLog(store);
    await log.insert(logRows(A, 1, 9));
    expect(store.journal.unmerged).toBe(9);
    await log.insert([logRow(A, 10)]);
    await store.merger.merge();
    expect(store.journal.index.mergedUpTo()).toBe(10);
  });

  it('begins by itself after a while', async () => {
    const clock = new ManualClock();
    const store = await folder.open({ clock });
    await new EmbeddedInboxLog(store).insert(logRows(A, 1, 3));
    clock.advance(10_000);
    await store.merger.merge();
    expect(store.journal.index.mergedUpTo()).toBe(3);
  });

  it('takes appends meanwhile', async () => {
    const store = await folder.open();
    const log = new EmbeddedInboxLog(store);
    await log.insert(logRows(A, 1, 100));
    const merging = store.merger.merge();
    for (let n = 101; n <= 130; n++) expect(await log.insert([logRow(A, n)])).toEqual({ inserted: 1 });
    await merging;
    expect(await numbers(log, A)).toEqual(upTo(130));
  });

  it('leaves a log readable over all that it lies in, from either end', async () => {
    const store = await folder.open();
    const log = new EmbeddedInboxLog(store);
    for (let first = 1; first <= 600; first += 200) {
      await log.insert(logRows(A, first, first + 199));
      await log.insert(logRows(B, first, first + 199));
      if (first < 400) await store.merger.merge();
    }
    expect(await numbers(log, A)).toEqual(upTo(600));
    const last = await log.read(A, { ...EVERYTHING, limit: 450, fromEnd: true });
    expect(last.map(({ n }) => n)).toEqual(upTo(600).slice(150));
  });

  it('keeps long logs in runs', async () => {
    const store = await folder.open({ mergeChunk: 1_000 });
    const log = new EmbeddedInboxLog(store);
    for (let n = 1; n <= 1_000; n += 100) await log.insert(logRows(A, n, n + 99));
    await store.merger.merge();
    await log.insert(logRows(A, 1_001, 1_100));
    await store.merger.merge();
    expect(await numbers(log, A)).toEqual(upTo(1_100));
  });
});

describe('two that have one store open', () => {
  it('may merge at once with different ends', async () => {
    const { stores, logs } = await openTwo();
    await logs[0].insert(logRows(A, 1, 40));
    await numbers(logs[1], A);
    const first = stores[1].merger.merge();
    await logs[0].insert([...logRows(A, 41, 60), ...logRows(B, 1, 20)]);
    await Promise.all([first, stores[0].merger.merge(), stores[1].merger.merge()]);
    for (const log of logs) expect([await numbers(log, A), await numbers(log, B)]).toEqual([upTo(60), upTo(20)]);
    expect((await logs[0].findKeys(A, ['key-41']))[0]?.n).toBe(41);
  });

  it('leave a merge to the one that began it, and take over when that gets nowhere', async () => {
    const clock = new ManualClock();
    const [owner, waiter] = [await folder.open(), await folder.open({ clock, mergeRows: 10 })];
    const [first, second] = [new EmbeddedInboxLog(owner), new EmbeddedInboxLog(waiter)];
    await first.insert(logRows(A, 1, 20));
    await owner.writes.run(1, () => owner.journal.index.setClaim({ by: 'owner', upTo: 20 }));
    await second.insert(logRows(A, 21, 30));
    for (let n = 31; n <= 40; n++) await second.insert([logRow(A, n)]);
    expect(waiter.journal.isFrozen).toBe(true);
    expect(waiter.journal.index.mergedUpTo()).toBe(0);
    clock.advance(10_000);
    const merged = () => waiter.writes.run(1, () => waiter.journal.index.mergedUpTo());
    for (let i = 0; i < 50 && (await merged()) === 0; i++);
    expect(await merged()).toBeGreaterThanOrEqual(30);
    for (const log of [first, second]) expect(await numbers(log, A)).toEqual(upTo(40));
  });

  it('never cut short what the other merged further', async () => {
    const { stores, logs } = await openTwo();
    await logs[0].insert(logRows(A, 1, 40));
    await numbers(logs[1], A);
    const shorter = stores[1].journal.freeze()!;
    await logs[0].insert(logRows(A, 41, 60));
    const longer = stores[0].journal.freeze()!;
    for (const [store, frozen] of [[stores[0], longer] as const, [stores[1], shorter] as const]) {
      const entries = store.journal.index.entriesOf(frozen);
      await store.writes.run(1, () => {
        for (const entry of entries) entry(0);
      });
    }
    await stores[0].writes.run(1, () => stores[0].journal.index.setMergedUpTo(longer.end));
    for (const log of logs) expect(await numbers(log, A)).toEqual(upTo(60));
  });

  it('may use a key again that one removed while the other still has it in memory', async () => {
    const { stores, logs } = await openTwo();
    await logs[0].insert(logRows(A, 1, 40));
    const frozen = stores[0].journal.freeze()!;
    await logs[0].insert([logRow(A, 41)]);
    await numbers(logs[1], A);
    await mergeAll(stores[0], frozen);
    await logs[0].removeRows(A, 31, LATER);
    expect(await logs[1].findKeys(A, ['key-30'])).toEqual([undefined]);
    expect(stores[1].journal.unmerged).toBe(41);
    expect(await logs[1].insert([logRow(A, 42, { key: 'key-30' })])).toEqual({ inserted: 1 });
    expect(await numbers(logs[1], A)).toEqual(upTo(42).slice(30));
  });

  it('forget what the other merged without merging it again', async () => {
    const { stores, logs } = await openTwo();
    await logs[0].insert(logRows(A, 1, 40));
    await numbers(logs[1], A);
    expect(stores[1].journal.unmerged).toBe(40);
    await stores[0].merger.merge();
    await numbers(logs[1], A);
    expect(stores[1].journal.unmerged).toBe(0);
  });

  it('never bring back what one of them removed', async () => {
    const { stores, logs } = await openTwo();
    await logs[0].insert(logRows(A, 1, 40));
    await numbers(logs[1], A);
    const frozen = stores[1].journal.freeze()!;
    const entries = stores[1].journal.index.entriesOf(frozen);
    await logs[0].removeRows(A, 31, LATER);
    await stores[1].writes.run(1, () => {
      const merged = stores[1].journal.index.mergedUpTo();
      for (const entry of entries) entry(merged);
    });
    for (const log of logs) {
      expect(await numbers(log, A)).toEqual(upTo(40).slice(30));
      expect(await log.findKeys(A, ['key-30'])).toEqual([undefined]);
    }
    expect(await logs[1].insert([logRow(A, 41, { key: 'key-30' })])).toEqual({ inserted: 1 });
  });

  it('know how far a group was whose rows one removed while the other has them in memory', async () => {
    const { stores, logs } = await openTwo();
    await logs[0].insert(mixedRows(1, 40));
    const frozen = stores[0].journal.freeze()!;
    await logs[0].insert([logRow(A, 41)]);
    await numbers(logs[1], A);
    await mergeAll(stores[0], frozen);
    await logs[0].removeRows(A, 31, LATER);
    expect(stores[1].journal.unmerged).toBe(41);
    for (const log of logs) expect(await log.countOfSeat(SEAT, 0, 100)).toBe(3);
    await logs[0].removeRows(A, 41, LATER);
    expect(stores[1].journal.unmerged).toBe(41);
    for (const log of logs) {
      expect(await log.seats([SEAT])).toEqual([{ entry: 39, n: 0, body: '' }]);
      expect(await log.countOfSeat(SEAT, 0, 100)).toBe(0);
    }
  });

  it('go on when one slept while the other stored, merged and removed', async () => {
    const { stores, logs } = await openTwo();
    await logs[1].insert(logRows(A, 1, 3));
    for (let n = 4; n <= 60; n++) await logs[0].insert([logRow(A, n)]);
    await stores[0].merger.merge();
    await logs[0].removeRows(A, 60, LATER);
    expect(await logs[1].insert([logRow(A, 4)])).toEqual({ inserted: 0, stoppedBy: 'n' });
    expect(await logs[1].insert([logRow(A, 61)])).toEqual({ inserted: 1 });
    for (const log of logs) expect(await numbers(log, A)).toEqual([60, 61]);
  });
});
