import type { mongo } from 'mongoose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectionsEnd, keysEnd, validationGrant } from '../../src/modules/auth/testing/index.js';
import { connectionRow } from '../../src/modules/connections/testing/index.js';
import { entryKey, type LogRow, StoreUnavailable } from '../../src/modules/inbox/index.js';
import { logRow, logRows } from '../../src/modules/inbox/testing/index.js';
import { nodeRecord, serverNodeRow } from '../../src/modules/nodes/testing/index.js';
import { groupRecord, stay } from '../../src/modules/sessions/testing/index.js';
import {
  MongoDirectory,
  MongoEndOrders,
  MongoGroupLog,
  MongoInboxLog,
  MongoNodeRegistry,
  MongoServerNodes,
  MongoStore,
  MongoValidationKeys,
} from '../../src/storage/mongo/index.js';
import { findMongo, PATIENT, startMongo, type TestMongo } from '../support/mongo.js';

/*
 * Every command that an adapter sends is caught on its way and explained on a store with many rows: the plan that won
 * must walk an index, and look at hardly more keys than it answers.
 */
const LONG_AGO = 1_700_000_000_000;
const DAY_MS = 86_400_000;
const LOGS = Array.from({ length: 30 }, (_, i) => `n:log-${String(i).padStart(2, '0')}`);
const ROWS_A_LOG = 100;
const [A, B, C] = LOGS as [string, string, string];
/** Of groups: inboxes with entries of each in turn, the logs of the groups, with open entries at their ends. */
const INBOXES = LOGS.map((_, i) => `n:inbox-${String(i).padStart(2, '0')}`);
const GROUPS = LOGS.map((_, i) => `s:group-${String(i).padStart(2, '0')}`);
const [I, J] = INBOXES as [string, string];
const [G, H] = GROUPS as [string, string];
const OPEN_FROM = 91;
const SEATS = INBOXES.flatMap((name) => GROUPS.slice(0, 8).map((group) => ({ log: name, group })));
const ALL = { after: 0, before: 1e9, limit: 50, maxBytes: 1e9 };
const DETOURS = new Set(['COLLSCAN', 'SORT']);
const INDEXED = new Set(['IXSCAN', 'IDHACK', 'EXPRESS_IXSCAN']);
const EXPLAINED = ['find', 'aggregate', 'update', 'delete', 'findAndModify'];

interface Plan {
  readonly stages: readonly string[];
  readonly keys: number;
  readonly documents: number;
  readonly found: number;
}

const server = await findMongo();

describe.skipIf(!server)('the commands to MongoDB', () => {
  let given: TestMongo;
  let store: MongoStore;
  let log: MongoInboxLog;
  let uri: string;
  const sent: mongo.Document[] = [];

  beforeAll(async () => {
    given = await startMongo(server!.setups[0]!, server!);
    uri = given.freshUri();
    const mark = uri.includes('?') ? '&' : '?';
    store = await MongoStore.open({ ...PATIENT, uri: `${uri}${mark}monitorCommands=true`, commitRows: 10_000 });
    log = new MongoInboxLog(store);
    await log.insert(LOGS.flatMap((name) => logRows(name, 1, ROWS_A_LOG)));
    await fillTheRest();
    await fillGroups();
    store.connection.getClient().on('commandStarted', ({ command }) => sent.push(command));
  });

  afterAll(async () => {
    await store.close();
    await given.drop(uri);
    await given.stop();
  });

  async function fillTheRest(): Promise<void> {
    const ack = { acked: 1, ackedTotals: { count: 1, bytes: 1 } };
    await log.raiseAcked(LOGS.map((name) => ({ log: name, ...ack })));
    await new MongoNodeRegistry(store).record(LOGS.map((name) => nodeRecord(name)));
    const [directory, keys] = [new MongoDirectory(store), new MongoValidationKeys(store)];
    const servers = new MongoServerNodes(store);
    const orders = new MongoEndOrders(store);
    for (const i of LOGS.keys()) await orders.add(keysEnd({ id: `n${i}` }), DAY_MS);
    await Promise.all(
      LOGS.map(async (name, i) => {
        const serverNodeId = `~s${i % 3}`;
        await directory.register(connectionRow(name, 'c1', { serverNodeId, bootId: `boot-${i % 5}` }), 10);
        await directory.register(connectionRow(name, 'c2', { serverNodeId, bootId: `boot-${i % 5}` }), 10);
        await servers.succeed(serverNodeRow({ serverNodeId: `~s${i}`, address: `h:${i}` }));
        await keys.put(`digest-${i}`, validationGrant(), DAY_MS);
      }),
    );
    const { connection } = store;
    const ended = { $in: Array.from({ length: 6 }, (_, i) => `digest-${i + 20}` as never) };
    await connection.collection('validation_keys').updateMany({ _id: ended }, { $set: { validUntil: LONG_AGO } });
    await connection.collection('end_orders').updateMany({ _id: { $lte: 6 as never } }, { $set: { until: LONG_AGO } });
  }

  async function fillGroups(): Promise<void> {
    await log.insert(INBOXES.flatMap((name) => logRows(name, 1, ROWS_A_LOG).map(ofGroup)));
    await log.insert(GROUPS.flatMap((group) => logRows(group, 1, ROWS_A_LOG).map(asEntry)));
    await store.connection.collection('seats').insertMany(
      // Rows of each were removed once.
      INBOXES.flatMap((name) => GROUPS.map((group) => ({ _id: `${name}\u0000${group}` as never, entry: 0 }))),
    );
    const groups = groupLog();
    await Promise.all(
      GROUPS.map(async (group) => {
        const stays = LOGS.flatMap((_, i) => [
          stay(`node-${i}`, 2 * i + 1, { left: 50 + i, alias: `~${i}` }),
          stay(`node-${i}`, 100 + i, i % 2 ? { alias: `~~${i}` } : {}),
        ]);
        await groups.project(group, stays, groupRecord());
      }),
    );
  }

  const groupLog = (): MongoGroupLog => new MongoGroupLog(store);

  /** The next delete is sent, but nothing of it is done, so that its plan meets what it would take away. */
  function holdBackDeletes(): Promise<boolean> {
    return given.failOnce({ failCommands: ['delete'], errorCode: 11_601 });
  }

  /** As with deletes. */
  async function closeInVain(group: string, upTo: number): Promise<void> {
    await given.failOnce({ failCommands: ['update'], errorCode: 11_601 });
    await groupLog().close(group, upTo);
  }

  /** What a call sends, explained. */
  async function plansOf(call: () => Promise<unknown>): Promise<Plan[]> {
    sent.length = 0;
    await call().catch((error: unknown) => expect(error).toBeInstanceOf(StoreUnavailable));
    const commands = sent.filter((command) => EXPLAINED.some((name) => name in command));
    return Promise.all(commands.flatMap(apart).map(explained));
  }

  async function explained(command: mongo.Document): Promise<Plan> {
    const { lsid: _lsid, $db: _db, writeConcern: _writeConcern, $clusterTime: _time, txnNumber: _n, ...rest } = command;
    const answer = await store.connection.db!.command({ explain: rest, verbosity: 'executionStats' });
    return planIn(answer);
  }

  /** Keys that may be looked at: one a row, and where places are jumped to, one more that tells that a place ended. */
  const READS: ReadonlyArray<readonly [string, { keys: number; found: number }, () => Promise<unknown>]> = [
    ['the newest row of one log', { keys: 1, found: 1 }, () => log.newest([A])],
    ['the newest rows of many logs', { keys: 30, found: 30 }, () => log.newest(LOGS)],
    ['keys', { keys: 6, found: 3 }, () => log.findKeys(A, ['key-5', 'key-50', 'nothing', 'key-99'])],
    ['a range', { keys: 20, found: 20 }, () => log.read(A, { ...ALL, after: 40, before: 61 })],
    ['the beginning of a range', { keys: 7, found: 7 }, () => log.read(A, { ...ALL, after: 40, limit: 7 })],
    ['the end of a range', { keys: 7, found: 7 }, () => log.read(B, { ...ALL, before: 60, limit: 7, fromEnd: true })],
    ['one row', { keys: 1, found: 1 }, () => log.read(B, { ...ALL, after: 49, limit: 1 })],
    ['points', { keys: 60, found: 30 }, () => log.at(LOGS.map((name) => ({ log: name, n: ROWS_A_LOG })))],
    ['points where nothing is', { keys: 30, found: 0 }, () => log.at(LOGS.map((name) => ({ log: name, n: 101 })))],
    ['the first after a time', { keys: 1, found: 1 }, () => log.firstAfter(C, LONG_AGO + 50)],
    ['marks', { keys: 31, found: 30 }, () => log.marks(LOGS)],
    ['the next log', { keys: 1, found: 1 }, () => log.logs(A, 1)],
    ['nodes', { keys: 31, found: 30 }, () => new MongoNodeRegistry(store).find(LOGS)],
    ['connections of nodes', { keys: 9, found: 6 }, () => new MongoDirectory(store).of([A, B, C])],
    ['a validation key', { keys: 1, found: 1 }, () => new MongoValidationKeys(store).peek('digest-3')],
    ['the seats of groups', { keys: 511, found: 480 }, () => log.seats(SEATS)],
    ['a seat that is empty', { keys: 1, found: 0 }, () => log.seats([{ log: I, group: 's:nobody' }])],
    ['how much a seat has', { keys: 4, found: 4 }, () => log.countOfSeat({ log: I, group: G }, 10, 4)],
    ['the stays of a node', { keys: 2, found: 2 }, () => groupLog().staysOf(G, 'node-7')],
    ['an alias', { keys: 1, found: 1 }, () => groupLog().hasAlias(G, '~~7')],
    ['the groups of a node', { keys: 9, found: 9 }, () => groupLog().groupsOf('node-7', G, 9)],
    ['the epoch', { keys: 1, found: 1 }, () => log.epoch()],
  ];

  it.each(READS)('find %s by an index, without a detour', async (_, { keys, found }, call) => {
    const plans = await plansOf(call);
    expect(plans.length).toBeGreaterThan(0);
    for (const plan of plans) {
      expect(plan.stages.filter((stage) => DETOURS.has(stage))).toEqual([]);
      expect(plan.stages.some((stage) => INDEXED.has(stage))).toBe(true);
      expect(plan.found).toBe(found);
      expect(plan.keys).toBeLessThanOrEqual(keys);
      expect(plan.documents).toBeLessThanOrEqual(found);
    }
  });

  it('find what is known of a group by indexes: its record, and of its stays those that count', async () => {
    const plans = await plansOf(() => groupLog().load(G, 69));
    expect(new Set(plans.map(({ found }) => found))).toEqual(new Set([1, 40]));
    for (const { stages, keys, documents, found } of plans) {
      expect(stages.filter((stage) => DETOURS.has(stage))).toEqual([]);
      expect(keys).toBeLessThanOrEqual(found + 2);
      expect(documents).toBe(found);
    }
  });

  it('find open entries by an index alone, and jump over all but the first few of each group', async () => {
    const plans = await plansOf(async () => {
      const firsts = GROUPS.slice(1, 4).map((group) => ({ log: group, n: OPEN_FROM }));
      expect(await groupLog().open(G, 3)).toEqual(firsts);
    });
    expect(plans.map(({ keys, documents }) => [keys, documents])).toEqual([
      [3, 0],
      [2, 0],
      [1, 0],
    ]);
    for (const { stages } of plans) expect(stages).toEqual(expect.arrayContaining(['LIMIT', 'IXSCAN']));
  });

  const ack = { acked: 60, ackedTotals: { count: 60, bytes: 60 } };
  const directory = () => new MongoDirectory(store);
  const validationKeys = () => new MongoValidationKeys(store);
  const comeTogether = (nodeIds: string[]): Promise<unknown> => {
    const adapter = directory();
    const rows = nodeIds.map((nodeId) => connectionRow(nodeId, 'c3'));
    return Promise.all(rows.map((row) => adapter.register(row, 10)));
  };
  const useTogether = (digests: string[]): Promise<unknown> => {
    const adapter = validationKeys();
    const peeks = digests.map((digest) => adapter.peek(digest));
    return Promise.allSettled([...peeks, ...digests.map((digest) => adapter.use(digest))]);
  };
  const server1 = serverNodeRow({ address: 'h:1' });
  const LOAD = { connections: 1, lagMs: 1, closed: false };
  const WRITES: ReadonlyArray<readonly [string, number, () => Promise<unknown>]> = [
    ['acknowledgements', 1, () => log.raiseAcked([{ log: C, ...ack }])],
    ['a floor', 1, () => log.raiseFloor(A, 50, { count: 49, bytes: 49 })],
    ['the bodies that are dropped', 31, () => log.dropBodies(A, 31)],
    ['the rows that are removed', 21, () => log.removeRows(A, 21, LONG_AGO + 1e9)],
    ['the seats whose rows are removed', 20, () => log.removeRows(J, 21, LONG_AGO + 1e9)],
    ['the entries that are closed', 5, () => closeInVain(H, OPEN_FROM + 4)],
    ['stays', 2, () => groupLog().project(G, [stay('node-3', 7, { left: 99 }), stay('node-4', 104)])],
    ['the record of a group', 1, () => groupLog().project(G, [], groupRecord({ ended: 120 }))],
    ['a node', 1, () => new MongoNodeRegistry(store).record([nodeRecord(A, { iat: 7 })])],
    ['a place of a connection', 2, () => directory().register(connectionRow(A, 'c1'), 10)],
    ['a connection that goes', 1, () => directory().unregister(B, 'c1')],
    ['a place of a server node', 1, () => new MongoServerNodes(store).succeed(server1)],
    ['a heartbeat', 1, () => new MongoServerNodes(store).beat('~s2', 'boot-1', LOAD)],
    ['a server node that leaves', 1, () => new MongoServerNodes(store).release('~s3', 'boot-1', 0)],
    ['a key that is used', 1, () => validationKeys().use('digest-4')],
    [
      'keys that are shown and used together',
      4,
      () => useTogether(['digest-5', 'digest-6', 'digest-7', 'digest-8', 'nothing']),
    ],
    ['an order, and those that ended', 6, () => new MongoEndOrders(store).add(connectionsEnd(), DAY_MS)],
    ['keys that ended', 6, () => validationKeys().put('digest-29', validationGrant(), DAY_MS)],
    ['connections of a run', 12, () => directory().forgetBoot('boot-0')],
    ['a connection that moves', 3, () => directory().register(connectionRow(LOGS[4]!, 'c1', { moving: true }), 10)],
    ['places of connections that come together', 9, () => comeTogether(LOGS.slice(10, 13))],
  ];

  it.for(WRITES)('change %s by an index, without a detour', async ([, touched, call], { skip }) => {
    if (!(await holdBackDeletes())) skip('this server takes no fail points');
    const plans = await plansOf(call);
    expect(plans.length).toBeGreaterThan(0);
    expect(Math.max(...plans.map(({ keys }) => keys))).toBeGreaterThan(0);
    for (const { stages, keys, documents } of plans) {
      expect(stages.filter((stage) => DETOURS.has(stage))).toEqual([]);
      expect(keys).toBeLessThanOrEqual(2 * touched);
      expect(documents).toBeLessThanOrEqual(touched);
    }
  });

  it('append what follows the known tail by one insert and no look', async () => {
    await log.newest([A]);
    sent.length = 0;
    expect(await log.insert([newRow(101), newRow(102)])).toEqual({ inserted: 2 });
    expect(await log.insert([newRow(103)])).toEqual({ inserted: 1 });
    expect(sent.map((command) => Object.keys(command)[0])).toEqual(['insert', 'insert']);
  });

  it('ask for hundreds of seats, points or newest rows by one command', async () => {
    sent.length = 0;
    const found = await log.seats(SEATS);
    expect(found.map((seat) => seat?.n)).toEqual(INBOXES.flatMap(() => [100, 91, 92, 93, 94, 95, 96, 97]));
    expect(await log.at(INBOXES.flatMap((name) => [51, 52, 53, 54].map((n) => ({ log: name, n }))))).toHaveLength(120);
    expect(await log.newest([...LOGS, ...INBOXES, ...GROUPS, ...GROUPS.map((_, i) => `n:new-${i}`)])).toHaveLength(120);
    expect(sent.map((command) => Object.keys(command)[0])).toEqual(['aggregate', 'find', 'aggregate']);
  });

  it('acknowledge what was acknowledged here before by one update and no look', async () => {
    await log.marks([B]);
    await log.raiseAcked([{ log: B, ...ack }]);
    sent.length = 0;
    expect(await log.raiseAcked([{ log: B, ...ack, acked: 61 }])).toEqual([60]);
    expect(sent.map((command) => Object.keys(command)[0])).toEqual(['update']);
  });
});

/** A row of an inbox, of one group or another. */
function ofGroup(row: LogRow): LogRow {
  return { ...row, key: entryKey(GROUPS[row.n % 10]!, row.n) };
}

/** A row of a group's log. */
function asEntry(row: LogRow): LogRow {
  return row.n < OPEN_FROM ? row : { ...row, open: true };
}

function newRow(n: number): LogRow {
  return logRow(A, n, { key: `new-${n}` });
}

/** Each of many updates for itself: no more are explained at once. */
function apart(command: mongo.Document): mongo.Document[] {
  const updates: unknown = command['updates'];
  return Array.isArray(updates) ? updates.map((update) => ({ ...command, updates: [update] })) : [command];
}

/** Sums over every part of an answer that executed something. */
function planIn(answer: mongo.Document): Plan {
  const stats: mongo.Document[] = [];
  const stages: string[] = [];
  walk(answer, (part) => {
    if ('executionStats' in part) stats.push(part['executionStats'] as mongo.Document);
  });
  for (const { executionStages } of stats)
    walk(executionStages, (part) => 'stage' in part && stages.push(String(part['stage'])));
  const sum = (name: string): number => stats.reduce((all, part) => all + Number(part[name]), 0);
  return { stages, keys: sum('totalKeysExamined'), documents: sum('totalDocsExamined'), found: sum('nReturned') };
}

function walk(part: unknown, visit: (part: mongo.Document) => void): void {
  if (part === null || typeof part !== 'object') return;
  if (!Array.isArray(part)) visit(part);
  for (const child of Object.values(part)) walk(child, visit);
}
