import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ WINDOW_MESSAGES: '2' });
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

it('a transient message goes to every connection that is there, unstored and unconfirmed', async () => {
  const [alice, first, second] = await Promise.all(['alice', 'bob', 'bob'].map((id) => Talker.open(server, id)));
  alice!.send({ dest_id: 'bob', id: 'x', type: 9, payload: { a: [1] }, transient: true });
  for (const bob of [first!, second!]) {
    const frame = await bob.next();
    expect(frame).toEqual({
      type: 9,
      dest_id: 'bob',
      id: 'x',
      src_id: 'alice',
      transient: true,
      payload: { a: [1] },
      timestamp: expect.any(Number),
    });
  }
  await alice!.fence();
  expect(alice!.rest).toEqual([]);
  expect(await server.json('bob', '/v1/inbox')).toMatchObject({ messages: [], tail_seq: 0 });
});

it('nobody gets it later', async () => {
  await server.json('carol', '/v1/inbox');
  const alice = await Talker.open(server, 'alice');
  alice.send({ dest_id: 'carol', payload: 'lost', transient: true });
  await alice.ask({ dest_id: 'carol', payload: 'kept' });
  const carol = await Talker.open(server, 'carol');
  expect(await carol.next()).toMatchObject({ payload: 'kept', seq: 1 });
  await carol.fence();
  expect(carol.rest).toEqual([]);
});

it('transient messages of a connection keep their order, and a full window does not hold them up', async () => {
  const [alice, dave] = await Promise.all([Talker.open(server, 'alice'), Talker.open(server, 'dave')]);
  for (const payload of [1, 2, 3]) await alice.ask({ dest_id: 'dave', payload });
  for (let payload = 1; payload <= 50; payload += 1) alice.send({ dest_id: 'dave', payload, transient: true });
  for (let payload = 1; payload <= 50; payload += 1) {
    expect(await dave.next(({ transient }) => transient === true)).toMatchObject({ payload });
  }
  await dave.fence();
  expect(dave.entries).toHaveLength(2);
});

it('by REST it is answered as sent, and arrives at who is there', async () => {
  const erin = await Talker.open(server, 'erin');
  const messages = [{ dest_id: 'erin', id: 'r', payload: 1, transient: true }];
  expect(await server.json('alice', '/v1/messages', { messages })).toEqual({ results: [{ id: 'r', status: 'sent' }] });
  expect(await erin.next()).toMatchObject({ id: 'r', src_id: 'alice', payload: 1, transient: true });
});

it('the client of the sender is named when there is one', async () => {
  const [frank, grace] = await Promise.all([
    Talker.open(server, 'frank', { clientId: 'family' }),
    Talker.open(server, 'grace'),
  ]);
  frank.send({ dest_id: 'grace', transient: true });
  expect(await grace.next()).toMatchObject({ src_id: 'frank', src_client_id: 'family' });
  await frank.ask({ dest_id: 'grace' });
  expect(await grace.next()).toMatchObject({ src_id: 'frank', src_client_id: 'family', seq: 1 });
});
