import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ PRESENCE: 'all', INBOX_MAX_MESSAGES: '4' });
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

const MADE = expect.stringMatching(/^[A-Za-z0-9_-]{22}$/) as unknown;

it('a message without an id gets one, and the same stands in its receipt, in -4 and in what arrives', async () => {
  await server.json('bob', '/v1/inbox');
  const alice = await Talker.open(server, 'alice');
  alice.send({ dest_id: 'bob', payload: 1 });
  const receipt = await alice.next();
  expect(receipt).toEqual({ type: -112, id: MADE, status: 'stored' });
  expect(await alice.next()).toEqual({ type: -4, src_id: 'bob', id: receipt['id'] });
  const bob = await Talker.open(server, 'bob');
  expect(await bob.next()).toMatchObject({ seq: 1, id: receipt['id'] });
});

it('sent again without an id, it is a new message', async () => {
  await server.json('carol', '/v1/inbox');
  const alice = await Talker.open(server, 'alice');
  const receipts = [];
  for (let turn = 0; turn < 2; turn += 1) {
    alice.send({ dest_id: 'carol', payload: 'same' });
    receipts.push(await alice.next(({ type }) => type === -112));
  }
  expect(receipts).toMatchObject([{ status: 'stored' }, { status: 'stored' }]);
  expect(new Set(receipts.map(({ id }) => id)).size).toBe(2);
  expect(await server.json('carol', '/v1/inbox')).toMatchObject({ tail_seq: 2 });
});

it('a refusal names the id that the server made', async () => {
  const alice = await Talker.open(server, 'alice');
  alice.send({ dest_id: 'nobody-knows' });
  expect(await alice.next()).toMatchObject({ type: -3, id: MADE });
  alice.send({ dest_session_id: 'no-session' });
  expect(await alice.next()).toMatchObject({ type: -5, id: MADE });
  await server.json('full', '/v1/inbox');
  for (let turn = 0; turn < 4; turn += 1) await alice.ask({ dest_id: 'full', payload: turn });
  alice.send({ dest_id: 'full' });
  expect(await alice.next(({ type }) => type === -113)).toMatchObject({ code: 'inbox_full', id: MADE });
});

it('a transient message arrives under an id too', async () => {
  const [alice, dave] = await Promise.all([Talker.open(server, 'alice'), Talker.open(server, 'dave')]);
  alice.send({ dest_id: 'dave', transient: true });
  expect(await dave.next()).toMatchObject({ id: MADE, src_id: 'alice' });
});

it('a batch by REST tells the ids that it made, one for each element', async () => {
  await server.json('erin', '/v1/inbox');
  const messages = [{ dest_id: 'erin' }, { dest_id: 'nobody-knows' }, { dest_id: 'erin', id: 'own' }];
  const { results } = (await server.json('alice', '/v1/messages', { messages })) as { results: unknown[] };
  expect(results).toMatchObject([
    { id: MADE, status: 'stored' },
    { id: MADE, status: 'refused', code: 'node_unknown' },
    { id: 'own', status: 'stored' },
  ]);
});
