import { Logger } from '@nestjs/common';
import type { mongo } from 'mongoose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { entryKey, type InboxLog, inboxLogOf, sessionLogOf, StoreUnavailable } from '../../src/modules/inbox/index.js';
import { logRow, logRows } from '../../src/modules/inbox/testing/index.js';
import type { GroupLog } from '../../src/modules/sessions/index.js';
import { groupRecord, stay } from '../../src/modules/sessions/testing/index.js';
import {
  MongoGroupLog,
  MongoHealth,
  MongoInboxLog,
  type MongoOptions,
  MongoStore,
  MongoStoreTooNew,
} from '../../src/storage/mongo/index.js';
import { findMongo, PATIENT, placeOf, startMongo, type TestMongo, throughPort } from '../support/mongo.js';
import { Link } from '../support/mongo-proxy.js';

const A = inboxLogOf('a');
const B = inboxLogOf('b');
const G = sessionLogOf('g');
const SEAT = { log: A, group: G };
/** Short times, and what a machine under load may add to them; what the steps of one call may take adds up to more. */
const TIMES = { timeoutMs: 1_500, wtimeoutMs: 1_200, serverSelectionMs: 1_100 };
const AT_MOST_MS = TIMES.timeoutMs + 1_500;
const NO_FAIL_POINTS = 'this server takes no fail points';
const server = await findMongo();
// What goes wrong here is meant to.
Logger.overrideLogger(false);

describe.skipIf(!server)('MongoDB when something is wrong', () => {
  let given: TestMongo;
  let uri: string;
  let link: Link;
  let stores: MongoStore[];

  beforeAll(async () => void (given = await startMongo(server!.setups.at(-1)!, server!)));
  afterAll(() => given.stop());

  beforeEach(async () => {
    uri = given.freshUri();
    stores = [];
    const { host, port } = placeOf(uri);
    link = await Link.to(host, port);
  });
  afterEach(async () => {
    link.become('open');
    await Promise.all(stores.map((store) => store.close()));
    await link.close();
    await given.failNothing();
    await given.drop(uri);
  });

  async function open(options: Partial<MongoOptions> = {}): Promise<MongoStore> {
    const store = await MongoStore.open({ uri: throughPort(uri, link.port), ...PATIENT, ...options });
    stores.push(store);
    return store;
  }

  /** One that is impatient as soon as its collections and indexes are there. */
  async function openInHaste(): Promise<MongoStore> {
    await (await open()).close();
    return open(TIMES);
  }

  /** A log that others see, past the link. */
  const elsewhere = async (): Promise<InboxLog> => new MongoInboxLog(await open({ uri }));

  it('says within its time where it found nobody, and keeps the password', async () => {
    const { port } = link;
    link.become('cut');
    const began = performance.now();
    const opening = MongoStore.open({ uri: `mongodb://user:canary@127.0.0.1:${port}/x`, ...TIMES });
    const error = await opening.catch((reason: unknown) => reason as Error);
    expect(error).toBeInstanceOf(StoreUnavailable);
    expect((error as Error).message).toContain(`127.0.0.1:${port}`);
    expect((error as Error).message).not.toContain('canary');
    expect(performance.now() - began).toBeLessThan(2 * AT_MOST_MS);
  });

  it.each(['cut', 'deaf', 'mute'] as const)(
    '%s: rejects every call in its time, and goes on afterwards',
    async (state) => {
      const store = await openInHaste();
      const log = new MongoInboxLog(store);
      await log.insert(logRows(A, 1, 3));
      link.become(state);
      const began = performance.now();
      const calls = [...everyCall(log), ...everyCallOfGroups(new MongoGroupLog(store))];
      const outcomes = await Promise.allSettled(calls.map((call) => call()));
      expect(performance.now() - began).toBeLessThan(AT_MOST_MS);
      for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { name: 'StoreUnavailable' } });
      link.become('open');
      await until(() => log.newest([A]));
      const tail = (await log.newest([A]))[0]?.n ?? 0;
      expect(await log.insert([logRow(A, tail + 1, { key: 'after' })])).toEqual({ inserted: 1 });
    },
  );

  it('finds by its key what was stored although the answer was lost', async () => {
    const log = new MongoInboxLog(await openInHaste());
    await log.insert([logRow(A, 1)]);
    link.become('mute');
    const row = logRow(A, 2, { key: 'mine', writer: 'me' });
    await expect(log.insert([row])).rejects.toBeInstanceOf(StoreUnavailable);
    link.become('open');
    await until(() => log.findKeys(A, ['mine']));
    expect((await log.findKeys(A, ['mine']))[0]).toMatchObject({ n: 2, writer: 'me' });
    expect(await log.insert([{ ...row, n: 3 }])).toEqual({ inserted: 0, stoppedBy: 'key' });
    expect(await log.insert([logRow(A, 2)])).toEqual({ inserted: 0, stoppedBy: 'n' });
    expect(await log.insert([logRow(A, 3)])).toEqual({ inserted: 1 });
  });

  it('never carries out what waited for too long', async () => {
    const log = new MongoInboxLog(await openInHaste());
    await log.insert([logRow(A, 1)]);
    link.become('deaf');
    const calls = logRows(A, 2, 20).map((row) => log.insert([row]));
    const began = performance.now();
    expect((await Promise.allSettled(calls)).filter(({ status }) => status === 'fulfilled')).toEqual([]);
    expect(performance.now() - began).toBeLessThan(AT_MOST_MS);
    link.become('open');
    await until(() => log.newest([A]));
    expect((await (await elsewhere()).newest([A]))[0]?.n).toBe(1);
  });

  it('takes no answer for sure that lacks its majority, whatever else it says', async (context) => {
    const log = new MongoInboxLog(await open());
    await log.insert([logRow(A, 1)]);
    const writeConcernError = { code: 64, errmsg: 'waiting for replication timed out' };
    if (!(await given.failOnce({ failCommands: ['insert'], writeConcernError }))) context.skip(NO_FAIL_POINTS);
    await expect(log.insert([logRow(A, 2)])).rejects.toBeInstanceOf(StoreUnavailable);
    // The fail point does not wait for the majority; that comes a little later.
    while ((await log.newest([A]))[0]?.n !== 2);
    await given.failOnce({ failCommands: ['insert'], writeConcernError });
    await expect(log.insert([logRow(A, 3), logRow(A, 4, { key: 'key-1' })])).rejects.toBeInstanceOf(StoreUnavailable);
    await given.failOnce({ failCommands: ['update'], writeConcernError });
    const ack = { log: A, acked: 1, ackedTotals: { count: 1, bytes: 1 } };
    await expect(log.raiseAcked([ack])).rejects.toBeInstanceOf(StoreUnavailable);
  });

  it.for([
    ['is not the primary any more', 10_107],
    ['has no room on its disk', 14_031],
    ['refuses the user', 13],
  ] as const)('a server that %s stored nothing, and is asked once', async ([, errorCode], { skip }) => {
    const store = await open({ uri: `${throughPort(uri, link.port)}&monitorCommands=true&retryWrites=true` });
    const log = new MongoInboxLog(store);
    await log.newest([A]);
    const sent = commandsOf(store);
    if (!(await given.failOnce({ failCommands: ['insert'], errorCode }))) skip(NO_FAIL_POINTS);
    await expect(log.insert([logRow(A, 1)])).rejects.toBeInstanceOf(StoreUnavailable);
    expect(sent.filter((command) => 'insert' in command)).toHaveLength(1);
    expect(await until(() => log.newest([A]))).toEqual([undefined]);
    expect(await log.insert([logRow(A, 1)])).toEqual({ inserted: 1 });
  });

  it('asks for a journalled majority and reads by majority, whatever the address says', async () => {
    const weak = 'w=1&journal=false&wtimeoutMS=9&readConcernLevel=local&readPreference=nearest&retryWrites=true';
    const wtimeoutMs = 12_345;
    const store = await open({ uri: `${throughPort(uri, link.port)}&monitorCommands=true&${weak}`, wtimeoutMs });
    const sent = commandsOf(store);
    const log = new MongoInboxLog(store);
    await log.insert([logRow(A, 1, { key: entryKey(G, 1) }), logRow(A, 2)]);
    await Promise.all(everyCallOfGroups(new MongoGroupLog(store)).map((call) => call()));
    await Promise.allSettled(everyCall(log).map((call) => call()));
    const reads = sent.filter((command) => 'find' in command || 'aggregate' in command);
    const writes = sent.filter((command) => ['insert', 'update', 'delete'].some((name) => name in command));
    expect(Math.min(reads.length, writes.length)).toBeGreaterThan(2);
    for (const { readConcern } of reads) expect(readConcern).toEqual({ level: 'majority' });
    for (const { writeConcern, txnNumber } of writes) {
      expect(writeConcern).toEqual({ w: 'majority', j: true, wtimeout: wtimeoutMs });
      expect(txnNumber).toBeUndefined();
    }
  });

  it('removes no row of a group before it is remembered how far the group was', async (context) => {
    const log = new MongoInboxLog(await open());
    await log.insert([logRow(A, 1, { key: entryKey(G, 7) }), logRow(A, 2)]);
    if (!(await given.failOnce({ failCommands: ['update'], errorCode: 14_031 }))) context.skip(NO_FAIL_POINTS);
    await expect(log.removeRows(A, 2, Infinity)).rejects.toBeInstanceOf(StoreUnavailable);
    expect(await log.seats([SEAT])).toMatchObject([{ entry: 7, n: 1 }]);
    await given.failOnce({ failCommands: ['delete'], errorCode: 14_031 });
    await expect(log.removeRows(A, 2, Infinity)).rejects.toBeInstanceOf(StoreUnavailable);
    expect(await log.seats([SEAT])).toMatchObject([{ entry: 7, n: 1 }]);
    expect(await log.removeRows(A, 2, Infinity)).toBe(false);
    expect(await log.seats([SEAT])).toEqual([{ entry: 7, n: 0, body: '' }]);
  });

  it('several processes that meet an empty database agree on one store', async () => {
    const opened = await Promise.all([1, 2, 3].map(() => open({ uri })));
    const logs = opened.map((store) => new MongoInboxLog(store));
    expect(new Set(await Promise.all(logs.map((log) => log.epoch()))).size).toBe(1);
    const outcomes = await Promise.all(logs.map((log) => log.insert([logRow(B, 1)])));
    expect(outcomes.filter(({ inserted }) => inserted === 1)).toHaveLength(1);
    expect(outcomes.filter(({ stoppedBy }) => stoppedBy !== undefined)).toHaveLength(2);
  });

  it('refuses a store of a newer form', async () => {
    const store = await open();
    await store.connection.collection('store').updateOne({}, { $set: { schema: 99 } });
    await expect(open()).rejects.toBeInstanceOf(MongoStoreTooNew);
  });

  it('tells of a dead and of a silent server, and of its return', async () => {
    const store = await openInHaste();
    const health = await MongoHealth.watch(store);
    const heard = (): Promise<void> => health.check().then(() => health.check());
    for (const state of ['cut', 'deaf'] as const) {
      link.become(state);
      await heard();
      expect(health.problem()).toMatch(/MongoDB/);
      link.become('open');
      await until(async () => {
        await heard();
        if (health.problem() !== undefined) throw new StoreUnavailable(health.problem());
      });
    }
    health.stop();
  });

  it('calls a store broken in whose place another stands, and takes nothing more', async () => {
    const store = await open();
    const health = await MongoHealth.watch(store);
    await store.connection.collection('store').updateOne({}, { $set: { epoch: 'restored' } });
    const told = new Promise<Error>((resolve) => health.onFatal(resolve));
    await health.check();
    expect((await told).message).toMatch(/another history/);
    await expect(new MongoInboxLog(store).insert([logRow(A, 1)])).rejects.toBeInstanceOf(StoreUnavailable);
    health.stop();
  });
});

function commandsOf(store: MongoStore): mongo.Document[] {
  const sent: mongo.Document[] = [];
  store.connection.getClient().on('commandStarted', ({ command }) => sent.push(command));
  return sent;
}

/** Asks again until the store is there again. */
async function until<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }
}

function everyCall(log: InboxLog): Array<() => Promise<unknown>> {
  const totals = { count: 1, bytes: 1 };
  return [
    () => log.insert([logRow(A, 4)]),
    () => log.newest([A, B]),
    () => log.findKeys(A, ['key-1']),
    () => log.read(A, { after: 0, before: 9, limit: 9, maxBytes: 99 }),
    () => log.at([{ log: A, n: 1 }]),
    () => log.firstAfter(A, 0),
    () => log.marks([A]),
    () => log.raiseAcked([{ log: A, acked: 1, ackedTotals: totals }]),
    () => log.raiseFloor(A, 2, totals),
    () => log.dropBodies(A, 2),
    () => log.removeRows(A, 2, Infinity),
    () => log.seats([SEAT]),
    () => log.countOfSeat(SEAT, 0, 9),
    () => log.logs('', 1),
    () => log.epoch(),
  ];
}

function everyCallOfGroups(groups: GroupLog): Array<() => Promise<unknown>> {
  return [
    () => groups.load(G, 0),
    () => groups.project(G, [stay('a', 1)], groupRecord()),
    () => groups.staysOf(G, 'a'),
    () => groups.hasAlias(G, '~a'),
    () => groups.groupsOf('a', '', 9),
    () => groups.open('', 9),
    () => groups.close(G, 1),
  ];
}
