import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { delivered, isReport, reported } from '../support/reports.js';
import { Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

it('the first acknowledgement is told once, to all connections that the sender has then', async () => {
  const bob = await Talker.open(server, 'bob');
  const sending = await Talker.open(server, 'alice');
  await sending.ask(reported('r1', 'bob'));
  await sending.ask({ dest_id: 'bob', id: 'plain' });
  await sending.ask(reported('r2', 'bob'));
  const entries = await bob.nextEntries(3);
  for (const entry of entries) expect(entry).not.toHaveProperty('report');
  const other = await Talker.open(server, 'alice');

  bob.ack(2);
  for (const alice of [sending, other]) expect(await alice.next(isReport)).toEqual(delivered('r1', 'bob'));
  bob.ack(3);
  for (const alice of [sending, other]) expect(await alice.next(isReport)).toEqual(delivered('r2', 'bob'));

  bob.ack(3);
  await bob.close();
  const again = await Talker.open(server, 'bob', { query: `?epoch=${String(bob.hello['epoch'])}&last_seq=0` });
  await again.nextEntries(3);
  again.ack(3);
  await sending.ask(reported('r3', 'bob'));
  await again.nextEntries(1);
  again.ack(4);
  for (const alice of [sending, other]) {
    expect(await alice.next(isReport)).toEqual(delivered('r3', 'bob'));
    expect(alice.rest.filter(isReport)).toEqual([]);
  }
});

it('an acknowledgement by REST is told too', async () => {
  await server.json('carol', '/v1/inbox');
  const alice = await Talker.open(server, 'alice');
  await alice.ask(reported('x', 'carol'));
  await server.json('carol', '/v1/inbox/ack', { seq: 1 });
  expect(await alice.next(isReport)).toEqual(delivered('x', 'carol'));
});

it('a client of the library hears of it', async () => {
  let told: (receipt: unknown) => void;
  const receipt = new Promise((resolve) => (told = resolve));
  const dave = server.client('dave', { onMessage: () => {}, acks: { ackAfterMessages: 1 } });
  await dave.connect();
  const alice = server.client('alice', { onDelivered: (heard) => told(heard) });
  await alice.connect();
  await alice.send({ destId: 'dave', id: 'seen', report: ['delivered'] });
  expect(await receipt).toMatchObject({ id: 'seen', destId: 'dave' });
});

it.each([
  ['another word', { dest_id: 'bob', report: ['read'] }],
  ['an empty list', { dest_id: 'bob', report: [] }],
  ['no list', { dest_id: 'bob', report: 'delivered' }],
  ['a transient message', { dest_id: 'bob', report: ['delivered'], transient: true }],
  ['a session', { dest_session_id: 's', report: ['delivered'] }],
])('%s is refused as invalid_field', async (_what, frame) => {
  const alice = await Talker.open(server, 'alice');
  expect(await alice.ask(frame)).toMatchObject({ type: -113, code: 'invalid_field', field: 'report' });
});
