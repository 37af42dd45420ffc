import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { holdStore } from '../support/store-lock.js';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

/** What can be written has to be written within it on a busy machine, too: a slow disk is no failure that is meant here. */
const DEADLINE_MS = 1_000;

let server: TestServer;
let release: () => Promise<void> = async () => {};

async function startWith(settings: Readonly<Record<string, string>> = {}): Promise<void> {
  server = await TestServer.start({ STORE_DEADLINE_MS: String(DEADLINE_MS), ...settings });
  for (const name of ['bob', 'carol', 'dave']) await server.json(name, '/v1/inbox');
}

beforeEach(() => {
  release = async () => {};
});
afterEach(async () => {
  Talker.hangUp();
  await release();
  await server.stop();
});

const message = (id: string, dest = 'bob'): Frame => ({ dest_id: dest, id, payload: id });
const later = (id: string) => ({
  type: -113,
  code: 'retry_later',
  id,
  reason: expect.any(String),
  retry_after_ms: expect.any(Number),
});
const stored = (id: string) => ({ type: -112, id, status: 'stored' });

async function inboxOf(nodeId: string): Promise<unknown[]> {
  return ((await server.json(nodeId, '/v1/inbox')) as { messages: Frame[] }).messages.map(({ id }) => id);
}

/** While nothing can be written, these are sent, and refused for now. */
async function failing(sender: Talker, messages: readonly Frame[]): Promise<void> {
  release = await holdStore(server.dataDir);
  for (const frame of messages) sender.send(frame);
  for (const { id } of messages) expect(await sender.answerTo(id)).toEqual(later(String(id)));
  await release();
}

describe('after a message that failed for now', () => {
  it('every later one of the connection to that destination is refused, until the failed come again in their order', async () => {
    await startWith();
    const alice = await Talker.open(server, 'alice');
    await failing(alice, [message('m1'), message('m2'), message('c1', 'carol')]);

    expect(await alice.ask(message('m3'))).toEqual(later('m3'));
    expect(await alice.ask(message('m2'))).toEqual(later('m2'));
    expect(await alice.ask(message('c2', 'carol'))).toEqual(later('c2'));
    expect(await alice.ask(message('d1', 'dave'))).toEqual(stored('d1'));

    expect(await alice.ask(message('m1'))).toEqual(stored('m1'));
    expect(await alice.ask(message('m3'))).toEqual(later('m3'));
    for (const id of ['m2', 'm3', 'm4']) expect(await alice.ask(message(id))).toEqual(stored(id));
    expect(await alice.ask(message('c1', 'carol'))).toEqual(stored('c1'));
    expect(await alice.ask(message('c2', 'carol'))).toEqual(stored('c2'));

    expect(await inboxOf('bob')).toEqual(['m1', 'm2', 'm3', 'm4']);
    expect(await inboxOf('carol')).toEqual(['c1', 'c2']);
  });

  it('transient messages go on, and so do other connections of the same node', async () => {
    await startWith();
    const [alice, other, bob] = await Promise.all([
      Talker.open(server, 'alice'),
      Talker.open(server, 'alice'),
      Talker.open(server, 'bob'),
    ]);
    await failing(alice, [message('m1')]);
    alice.send({ ...message('now'), transient: true });
    expect(await bob.next()).toMatchObject({ id: 'now' });
    expect(await other.ask(message('m2'))).toEqual(stored('m2'));
  });

  it('a refusal for good in between holds up nothing', async () => {
    await startWith();
    const alice = await Talker.open(server, 'alice');
    expect(await alice.ask({ ...message('bad'), unheard: 1 })).toMatchObject({ code: 'unknown_field' });
    expect(await alice.ask(message('m1'))).toEqual(stored('m1'));
  });

  it('the connection is closed with 4004 when the first does not come again in time', async () => {
    await startWith({ FAIL_STOP_MS: '300' });
    const alice = await Talker.open(server, 'alice');
    await failing(alice, [message('m1')]);
    expect(await alice.ended).toEqual({ code: 4004, reason: expect.stringMatching(/^retry_after_ms=\d+$/) as unknown });
  });

  it('the connection is closed with 4004 when too many wait', async () => {
    await startWith({ FAIL_STOP_MESSAGES: '3' });
    const alice = await Talker.open(server, 'alice');
    await failing(alice, [message('m1')]);
    for (const id of ['m2', 'm3']) expect(await alice.ask(message(id))).toEqual(later(id));
    alice.send(message('m4'));
    expect(await alice.ended).toMatchObject({ code: 4004 });
  });
});

it('a client of the library sends again by itself, and everything arrives once and in order', async () => {
  await startWith();
  const alice = server.client('alice');
  await alice.connect();
  const bystander = await Talker.open(server, 'carol');
  release = await holdStore(server.dataDir);
  const ids = Array.from({ length: 50 }, (_, index) => `m${index}`);
  const sending = Promise.all(ids.map((id) => alice.send({ destId: 'bob', id, payload: id })));
  // Behind this refusal there are those of the client, which were asked for earlier.
  expect(await bystander.ask(message('x'))).toEqual(later('x'));
  await release();
  for (const { status } of await sending) expect(['stored', 'duplicate']).toContain(status);
  expect(await inboxOf('bob')).toEqual(ids);
});

it('in a batch by REST what follows a failure fails too, and can be sent again as a whole', async () => {
  await startWith();
  // One key for both: a later one would be written down first.
  const headers = { authorization: `Bearer ${await server.key('alice')}` };
  await server.call('alice', '/v1/inbox', { headers });
  release = await holdStore(server.dataDir);
  const messages = [message('r1'), message('r2'), message('c1', 'carol'), { ...message('bad'), type: -1 }];
  const init = { method: 'POST', body: JSON.stringify({ messages }), headers };
  const answer = (await (await server.call('alice', '/v1/messages', init)).json()) as { results: Frame[] };
  const { results } = answer;
  expect(results.map(({ code }) => code)).toEqual(['retry_later', 'retry_later', 'retry_later', 'reserved_type']);
  expect(results[0]).toMatchObject({ id: 'r1', status: 'refused', retry_after_ms: expect.any(Number) });
  await release();
  const again = (await server.json('alice', '/v1/messages', { messages: messages.slice(0, 3) })) as typeof answer;
  // For now means: not stored, or unknown.
  for (const { status } of again.results) expect(['stored', 'duplicate']).toContain(status);
  expect(await inboxOf('bob')).toEqual(['r1', 'r2']);
});

it('below the free space that is kept, durable messages are refused for now, and transient ones and reads go on', async () => {
  const full = { DISK_FREE_BYTES: String(Number.MAX_SAFE_INTEGER), DISK_FREE_PERCENT: '100' };
  await startWith(full);
  const [alice, bob] = await Promise.all([Talker.open(server, 'alice'), Talker.open(server, 'bob')]);
  expect(await alice.ask(message('m1'))).toMatchObject({
    code: 'retry_later',
    reason: expect.stringContaining('disk'),
  });
  alice.send({ ...message('now'), transient: true });
  expect(await bob.next()).toMatchObject({ id: 'now' });
  expect(await inboxOf('bob')).toEqual([]);
  const readiness = await fetch(`${server.url}/readyz`);
  expect(readiness.status).toBe(503);
  expect(await readiness.text()).toContain('disk');
});
