import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/common/clock.js';
import { type InboxLog, inboxLogOf, type LogRow } from '../../src/modules/inbox/index.js';
import { logRow, logRows } from '../../src/modules/inbox/testing/index.js';
import { MongoInboxLog, type MongoOptions, MongoStore } from '../../src/storage/mongo/index.js';
import { findMongo, PATIENT, startMongo, type TestMongo } from '../support/mongo.js';

const LOGS = ['a', 'b', 'c', 'd', 'e'].map(inboxLogOf);
const [A, B] = LOGS as [string, string];
const ALL = { after: 0, before: 1e9, limit: 1e6, maxBytes: 1e9 };
const WRITERS = ['x', 'y', 'z'];
const EACH = 120;
const found = await findMongo();

describe.skipIf(!found).each([...(found?.setups ?? [undefined])])('writers on MongoDB, %s:', (setup) => {
  let mongo: TestMongo;
  let uri: string;
  let stores: MongoStore[];
  beforeAll(async () => void (mongo = await startMongo(setup!, found!)));
  afterAll(() => mongo.stop());
  beforeEach(() => {
    uri = mongo.freshUri();
    stores = [];
  });
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await mongo.drop(uri);
  });

  async function another(options: Partial<MongoOptions> = {}): Promise<InboxLog> {
    const store = await MongoStore.open({ ...PATIENT, uri, ...options });
    stores.push(store);
    return new MongoInboxLog(store);
  }

  it('several that know of each other by conflicts only make logs without gaps, doubles or swaps', async () => {
    const logs = await Promise.all(WRITERS.map(() => another()));
    await Promise.all(WRITERS.map((name, i) => compete(logs[i] as InboxLog, name)));
    for (const name of LOGS) {
      const rows = await (logs[0] as InboxLog).read(name, ALL);
      expect(rows.map(({ n }) => n)).toEqual(rows.map((_, i) => i + 1));
      expect(new Set(rows.map(({ key }) => key)).size).toBe(WRITERS.length * EACH);
      for (const writer of WRITERS) {
        const own = rows.filter((row) => row.writer === writer).map(({ key }) => Number(key.split(' ')[1]));
        expect(own).toEqual(Array.from({ length: EACH }, (_, i) => i));
      }
    }
  });

  it('one that was away for longer than a tail is believed writes nothing behind the garbage collector', async () => {
    const clock = new ManualClock();
    const [late, other] = [await another({ clock }), await another()];
    await late.insert(logRows(A, 1, 3));
    await other.insert(logRows(A, 4, 300));
    while (await other.removeRows(A, 300, Infinity));
    clock.advance(30_000);
    expect(await late.insert([logRow(A, 4, { key: 'late' })])).toEqual({ inserted: 0, stoppedBy: 'n' });
    expect((await other.read(A, ALL)).map(({ n }) => n)).toEqual([300]);
  });

  it('keep what a batch stored before a conflict in its middle, and go on from there', async () => {
    const [mine, theirs] = [await another(), await another()];
    await mine.insert([...logRows(A, 1, 2), ...logRows(B, 1, 2)]);
    await theirs.insert([logRow(B, 3, { key: 'theirs' })]);
    const batch = [...logRows(A, 3, 5), ...logRows(B, 3, 5), ...logRows(inboxLogOf('c'), 1, 2)];
    expect(await mine.insert(batch)).toEqual({ inserted: 3, stoppedBy: 'n' });
    const renumbered = batch.slice(3).map((row) => (row.log === B ? { ...row, n: row.n + 1 } : row));
    expect(await mine.insert(renumbered)).toEqual({ inserted: 5 });
    expect((await theirs.read(B, ALL)).map(({ key }) => key)).toEqual([
      'key-1',
      'key-2',
      'theirs',
      'key-3',
      'key-4',
      'key-5',
    ]);
  });

  it('give what each acknowledged number was before to one only, however many raise it', async () => {
    const logs = await Promise.all(WRITERS.map(() => another()));
    const raises = Array.from({ length: 60 }, (_, i) => {
      const acks = LOGS.map((log) => ({ log, acked: (i * 7) % 61, ackedTotals: { count: (i * 7) % 61, bytes: 0 } }));
      return { acks, before: (logs[i % logs.length] as InboxLog).raiseAcked(acks) };
    });
    const spans = await Promise.all(raises.map(async ({ acks, before }) => ({ acks, before: await before })));
    LOGS.forEach((_, place) => {
      const covered = spans.flatMap(({ acks, before }) => {
        const [from, to] = [before[place] ?? 0, acks[place]?.acked ?? 0];
        return Array.from({ length: Math.max(0, to - from) }, (__, i) => from + i + 1);
      });
      expect(covered.toSorted((one, two) => one - two)).toEqual(Array.from({ length: 60 }, (__, i) => i + 1));
    });
    const marks = await (logs[0] as InboxLog).marks(LOGS);
    expect(marks.map(({ acked, ackedTotals }) => [acked, ackedTotals.count])).toEqual(LOGS.map(() => [60, 60]));
  });
});

/** Appends to all logs at once, in batches of changing size, as one does that reads the tails after each conflict. */
async function compete(log: InboxLog, writer: string): Promise<void> {
  const done = new Map(LOGS.map((name) => [name, 0]));
  for (let round = 1; [...done.values()].some((count) => count < EACH); round += 1) {
    const heads = await log.newest(LOGS);
    const batch = LOGS.flatMap((name, i): LogRow[] => {
      const own = done.get(name) ?? 0;
      const count = Math.min(EACH - own, 1 + ((round + i) % 7));
      return Array.from({ length: count }, (_, k) =>
        logRow(name, (heads[i]?.n ?? 0) + 1 + k, { key: `${writer} ${own + k}`, writer }),
      );
    });
    const { inserted } = await log.insert(batch);
    for (const { log: name } of batch.slice(0, inserted)) done.set(name, (done.get(name) ?? 0) + 1);
  }
}
