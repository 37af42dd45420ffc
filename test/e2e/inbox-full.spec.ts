import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ INBOX_MAX_MESSAGES: '3', INBOX_MAX_BYTES: String(64 * 1024) });
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

const full = { type: -113, code: 'inbox_full' };
const stored = { type: -112, status: 'stored' };
const seqsOf = async (nodeId: string): Promise<unknown[]> =>
  ((await server.json(nodeId, '/v1/inbox')) as { messages: Frame[] }).messages.map(({ payload }) => payload);

it('a full inbox refuses for good, drops nothing that waits, and takes again what is acknowledged', async () => {
  await server.json('bob', '/v1/inbox');
  const alice = await Talker.open(server, 'alice');
  for (const payload of [1, 2, 3]) expect(await alice.ask({ dest_id: 'bob', payload })).toMatchObject(stored);
  const refusal = await alice.ask({ dest_id: 'bob', payload: 4 });
  expect(refusal).toMatchObject(full);
  expect(refusal).not.toHaveProperty('retry_after_ms');
  expect(await seqsOf('bob')).toEqual([1, 2, 3]);

  const bob = await Talker.open(server, 'bob');
  await bob.nextEntries(3);
  bob.ack(2);
  await bob.fence();
  await server.json('bob', '/v1/inbox/ack', { seq: 2 });
  for (const payload of [5, 6]) expect(await alice.ask({ dest_id: 'bob', payload })).toMatchObject(stored);
  expect(await alice.ask({ dest_id: 'bob', payload: 7 })).toMatchObject(full);
  expect(await bob.nextEntries(2)).toMatchObject([
    { seq: 4, payload: 5 },
    { seq: 5, payload: 6 },
  ]);
});

it('an inbox is full by bytes too, and a smaller message still fits', async () => {
  await server.json('carol', '/v1/inbox');
  const alice = await Talker.open(server, 'alice');
  const big = 'x'.repeat(40 * 1024);
  expect(await alice.ask({ dest_id: 'carol', payload: big })).toMatchObject(stored);
  expect(await alice.ask({ dest_id: 'carol', payload: big })).toMatchObject(full);
  expect(await alice.ask({ dest_id: 'carol', payload: 'small' })).toMatchObject(stored);
});

it('a full inbox holds up no other destination, no transient message, and no order behind it', async () => {
  await server.json('dave', '/v1/inbox');
  const [alice, erin, dave] = await Promise.all(['alice', 'erin', 'dave'].map((id) => Talker.open(server, id)));
  for (const payload of [1, 2, 3]) await alice!.ask({ dest_id: 'dave', payload });
  expect(await alice!.ask({ dest_id: 'dave', payload: 4 })).toMatchObject(full);
  expect(await alice!.ask({ dest_id: 'erin', payload: 1 })).toMatchObject(stored);
  expect(await erin!.nextEntries(1)).toMatchObject([{ payload: 1 }]);
  alice!.send({ dest_id: 'dave', payload: 'now', transient: true });
  expect(await dave!.next(({ transient }) => transient === true)).toMatchObject({ payload: 'now' });
  expect(await alice!.ask({ dest_id: 'dave', payload: 5 })).toMatchObject(full);
});

it('by REST each element is answered by itself: those that fit are stored', async () => {
  await server.json('frank', '/v1/inbox');
  const messages = [1, 2, 3, 4, 5].map((payload) => ({ dest_id: 'frank', payload }));
  const { results } = (await server.json('alice', '/v1/messages', { messages })) as { results: Frame[] };
  expect(results.map(({ status, code }) => code ?? status)).toEqual([
    'stored',
    'stored',
    'stored',
    'inbox_full',
    'inbox_full',
  ]);
});
