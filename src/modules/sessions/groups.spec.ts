import { beforeEach, describe, expect, it } from 'vitest';
import {
  app,
  codeOf,
  GroupServices,
  GroupStore,
  messageOf,
  newSession,
  node,
} from '../../../test/support/group-services.js';
import { StoreUnavailable } from '../inbox/index.js';
import type { Destination } from '../../protocol/index.js';

const LOG = 's:party';
const toAll: Destination = { kind: 'session', sessionId: 'party' };
const [ann, bob] = [node('ann'), node('bob')];

let store: GroupStore;
let here: GroupServices;

async function withMembers(...nodeIds: readonly string[]): Promise<void> {
  const members = nodeIds.map((nodeId) => ({ nodeId, anonymous: false }));
  await here.sessions.create(app(), newSession({ sessionId: 'party', members }));
  await here.settle();
}

beforeEach(() => {
  store = new GroupStore();
  here = new GroupServices(store);
});

describe('a durable message to a group', () => {
  it.each([3, 900])('is one commit before its receipt among %i members', async (count) => {
    await withMembers('ann', ...Array.from({ length: count }, (_, index) => `n${index}`));
    const before = store.log.calls.length;
    let atReceipt: string[] = [];
    here.groups.send(messageOf(ann, toAll), 'd', () => (atReceipt = store.log.calls.slice(before)));
    await here.settle();
    expect(atReceipt.filter((method) => method === 'insert')).toEqual(['insert']);
    expect(store.entriesFor('n0')).toEqual([2]);
  });

  it('is one commit together with those that came beside it', async () => {
    await withMembers('ann', 'bob');
    store.log.calls.length = 0;
    const held = store.log.hold('insert');
    const first = here.send(ann, toAll);
    await held.reached;
    const others = Array.from({ length: 100 }, () => here.send(bob, toAll));
    held.release();
    expect(new Set(await Promise.all([first, ...others]))).toEqual(new Set(['stored']));
    const ofGroup = store.log.rowsOf(LOG).slice(1);
    expect(ofGroup).toHaveLength(101);
    await here.settle();
    expect(store.log.calls.filter((method) => method === 'insert').length).toBeLessThan(8);
  });

  it('is known when it comes again, and another one under its id is refused', async () => {
    await withMembers('ann', 'bob');
    expect(await here.send(ann, toAll, { id: 'm' })).toBe('stored');
    expect(await here.send(ann, toAll, { id: 'm' })).toBe('duplicate');
    expect(await new GroupServices(store).send(ann, toAll, { id: 'm' })).toBe('duplicate');
    expect(await here.send(ann, toAll, { id: 'm', digest: 'other' })).toBe('id_conflict');
    expect(await here.send(ann, { ...toAll, kind: 'private', memberId: 'bob' }, { id: 'm' })).toBe('stored');
    expect(await here.send(bob, toAll, { id: 'm' })).toBe('stored');
  });

  it('that was stored is never answered by a refusal, not even when its sender left since', async () => {
    await withMembers('ann', 'bob');
    await here.send(bob, toAll, { id: 'm' });
    await here.sessions.unjoin(bob, 'party');
    expect(await here.send(bob, toAll, { id: 'm' })).toBe('duplicate');
    expect(await here.send(bob, toAll, { id: 'n' })).toBe('session_denied');
  });

  it('whose answer was lost is found in the log, and not written twice', async () => {
    await withMembers('ann', 'bob');
    store.log.failNext('insert', 'lost');
    expect(await here.send(ann, toAll, { id: 'm' })).toBe('stored');
    await here.settle();
    expect([store.log.rowsOf(LOG).length, store.entriesFor('bob')]).toEqual([2, [2]]);
  });

  it('is decided on the members of the moment in which it is appended, whatever its process knew', async () => {
    await withMembers('ann', 'bob');
    expect(await here.send(bob, toAll, { id: 'm1' })).toBe('stored');
    await new GroupServices(store).sessions.unjoin(bob, 'party');
    expect(await here.inTime(here.send(bob, toAll, { id: 'm2' }))).toBe('session_denied');
    await new GroupServices(store).sessions.join(bob, 'party', { nodeId: 'bob', anonymous: false });
    expect(await here.inTime(here.send(bob, toAll, { id: 'm3' }))).toBe('stored');
  });

  it('is not held up by a group that cannot be read and goes along with it, nor decided on what was known before', async () => {
    await withMembers('ann', 'bob');
    await here.sessions.create(
      app(),
      newSession({ sessionId: 'other', members: [{ nodeId: 'ann', anonymous: false }] }),
    );
    const other = new GroupServices(store);
    const toOther: Destination = { kind: 'session', sessionId: 'other' };
    const load = store.groupLog.load.bind(store.groupLog);
    store.groupLog.load = (log, after) =>
      log === LOG ? load(log, after) : Promise.reject(new StoreUnavailable('away'));
    const sending = [other.send(ann, toOther), other.send(ann, toAll), other.send(ann, toOther)];
    expect(await other.inTime(Promise.all(sending))).toEqual(['retry_later', 'stored', 'retry_later']);
    store.groupLog.load = load;
    expect(await other.send(ann, toOther)).toBe('stored');
    await here.inTime(here.sessions.unjoin(ann, 'other'));
    const read = store.log.read.bind(store.log);
    store.log.read = (log, range) =>
      log === 's:other' ? Promise.reject(new StoreUnavailable('away')) : read(log, range);
    expect(await other.inTime(other.send(ann, toOther))).toBe('retry_later');
    store.log.read = read;
    expect(await other.inTime(other.send(ann, toOther))).toBe('session_denied');
  });

  it('has to wait while too much is on its way to the members, and goes on behind that', async () => {
    await withMembers('ann', 'bob');
    const insert = store.log.insert.bind(store.log);
    store.log.insert = (rows) =>
      rows.some(({ log }) => log === 'n:bob') ? Promise.reject(new StoreUnavailable('away')) : insert(rows);
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => here.send(ann, toAll)));
    expect(new Set(answers)).toEqual(new Set(['stored']));
    expect(await here.send(ann, toAll)).toBe('retry_later');
    store.log.insert = insert;
    for (let round = 0; round < 8; round += 1) await here.pass(500);
    expect(await here.send(ann, toAll)).toBe('stored');
    await here.settle();
    expect(store.entriesFor('bob')).toHaveLength(1_001);
  });
});

describe('a call that changes a session', () => {
  it('is what the next is decided on, also when both were asked for at once', async () => {
    here = new GroupServices(store, { sessionMaxMembers: 3 });
    await withMembers('ann', 'bob');
    await here.nodes.makeKnown('cleo', 'dan');
    const joining = ['cleo', 'dan'].map((nodeId) =>
      codeOf(here.sessions.join(node(nodeId), 'party', { nodeId, anonymous: false })),
    );
    expect(await Promise.all(joining)).toEqual(['done', 'too_many_members']);
    const leaving = here.sessions.unjoin(bob, 'party');
    const sending = here.send(bob, toAll);
    expect([await leaving, await sending]).toEqual([undefined, 'session_denied']);
  });

  it('fences what was decided before it, also when it changes nothing', async () => {
    await withMembers('ann', 'bob');
    await here.sessions.join(bob, 'party', { nodeId: 'bob', anonymous: false });
    expect(store.log.rowsOf(LOG)).toHaveLength(2);
    await here.settle();
    expect(store.entriesFor('ann')).toEqual([]);
  });

  it('is refused for now when it cannot be known what became of it', async () => {
    await withMembers('ann', 'bob');
    store.log.away = true;
    expect(await codeOf(here.sessions.unjoin(bob, 'party'))).toBe('retry_later');
    store.log.away = false;
    expect(await codeOf(here.sessions.unjoin(bob, 'party'))).toBe('done');
  });

  it('is answered although its projection fails, and whoever lists sessions sees it once that is made up for', async () => {
    await withMembers('ann', 'bob');
    store.groupLog.fault = (method) => (method === 'project' ? 'before' : 'none');
    await here.sessions.unjoin(bob, 'party');
    expect(await here.sessions.list(bob, '', 10)).toEqual({ sessions: [], next: null });
    store.groupLog.fault = () => 'none';
    await here.pass(500);
    expect(await store.groupLog.groupsOf('bob', '', 10)).toEqual([]);
  });
});

/** For whom it was, or why it was refused. */
const sent = (process: GroupServices, from = ann): Promise<readonly string[] | string> =>
  process.groups.transient(messageOf(from, toAll)).then(
    ({ nodeIds }) => nodeIds,
    (error: unknown) => (error as { code: string }).code,
  );

describe('a transient message', () => {
  it('is for all members but the sender, and nothing of it is stored', async () => {
    await withMembers('ann', 'bob', 'cleo');
    store.log.calls.length = 0;
    expect(await sent(here)).toEqual(['bob', 'cleo']);
    expect(store.log.calls).not.toContain('insert');
    expect(await sent(here, node('eve'))).toBe('session_denied');
  });

  it('relies on what was read a moment ago, and on nothing older', async () => {
    await withMembers('ann', 'bob');
    await sent(here);
    await new GroupServices(store).sessions.unjoin(bob, 'party');
    store.log.calls.length = 0;
    expect(await sent(here)).toEqual(['bob']);
    expect(store.log.calls).toEqual([]);
    await here.pass(1_000);
    expect(await sent(here)).toEqual([]);
    expect(await sent(here, bob)).toBe('session_denied');
  });

  it('is refused by nothing that was read before it came: who was told that it joined may send', async () => {
    await withMembers('ann', 'bob');
    const eve = node('eve');
    expect(await sent(here, eve)).toBe('session_denied');
    await new GroupServices(store).sessions.join(eve, 'party', { nodeId: 'eve', anonymous: false });
    expect(await sent(here, eve)).toEqual(['ann', 'bob']);
  });

  it('overtakes none that waits for the store, whatever others learn meanwhile', async () => {
    await withMembers('ann', 'bob');
    const held = store.log.hold('newest');
    const order: string[] = [];
    const first = sent(here).then(() => order.push('first'));
    await held.reached;
    await here.groups.state(LOG);
    const second = sent(here).then(() => order.push('second'));
    await here.settle();
    held.release();
    await Promise.all([first, second]);
    expect(order).toEqual(['first', 'second']);
  });

  it('is refused when the store does not tell who is a member, together with those that waited for the same', async () => {
    await withMembers('ann', 'bob');
    store.log.failNext('newest', 'before');
    const answers = await Promise.allSettled([1, 2].map(() => here.groups.transient(messageOf(ann, toAll))));
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await sent(here)).toEqual(['bob']);
  });
});

it('groups in which nothing happens any more are forgotten, and known again when asked for', async () => {
  here.start();
  await withMembers('ann', 'bob');
  expect(here.groups.depths.groups).toBe(1);
  for (let round = 0; round < 4; round += 1) await here.pass(30_000);
  expect(here.groups.depths.groups).toBe(0);
  expect(await here.send(bob, toAll)).toBe('stored');
  await here.settle();
  expect(store.entriesFor('ann')).toEqual([2]);
});
