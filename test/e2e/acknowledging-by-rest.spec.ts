import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ WINDOW_MESSAGES: '2' });
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

const ack = (nodeId: string, body: object) => server.json(nodeId, '/v1/inbox/ack', body);

async function nodeWith(nodeId: string, count: number): Promise<string> {
  const { epoch } = (await server.json(nodeId, '/v1/inbox')) as { epoch: string };
  await server.json('alice', '/v1/messages', { messages: Array.from({ length: count }, () => ({ dest_id: nodeId })) });
  return epoch;
}

it('a node without a connection acknowledges, the number only rises, and it is durable in the answer', async () => {
  const epoch = await nodeWith('bob', 3);
  expect(await ack('bob', { seq: 2 })).toEqual({ acked_seq: 2 });
  expect(await ack('bob', { seq: 1 })).toEqual({ acked_seq: 2 });
  expect(await ack('bob', { seq: 3, epoch })).toEqual({ acked_seq: 3 });
  expect(await server.json('bob', '/v1/inbox')).toMatchObject({ acked_seq: 3 });
});

it('beyond the tail is refused, and so is another epoch', async () => {
  await nodeWith('carol', 2);
  expect(await ack('carol', { seq: 3 })).toMatchObject({ status: 400, code: 'invalid_field', field: 'seq' });
  expect(await ack('carol', { seq: 1, epoch: 'of-old' })).toMatchObject({ status: 409, code: 'epoch_changed' });
  expect(await server.json('carol', '/v1/inbox')).toMatchObject({ acked_seq: 0 });
});

it('it opens the window of a connection', async () => {
  await nodeWith('dave', 5);
  const dave = await Talker.open(server, 'dave');
  await dave.nextEntries(2);
  expect(await ack('dave', { seq: 2 })).toEqual({ acked_seq: 2 });
  expect((await dave.nextEntries(2)).map(({ seq }: Frame) => seq)).toEqual([3, 4]);
});
