import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

/** What is stored has to be read within it, where it is not to be too old, also on a busy machine. */
const AGE_MS = 1_000;

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ INBOX_AGE_MS: String(AGE_MS), HTTP_RATE_PER_SECOND: '0' });
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

/** A message of this node was stored, and is too old now. */
async function expired(nodeId: string): Promise<void> {
  await server.json(nodeId, '/v1/inbox');
  await server.json('alice', '/v1/messages', { messages: [{ dest_id: nodeId, id: 'old', payload: 'secret' }] });
  for (;;) {
    const { messages } = (await server.json(nodeId, '/v1/inbox')) as { messages: Frame[] };
    if (messages[0]?.['type'] === -116) return;
  }
}

const gone = { type: -116, seq: 1, reason: 'expired' };

it('a message that is too old keeps its seq and is delivered as gone, without anything of what it was', async () => {
  await expired('bob');
  const bob = await Talker.open(server, 'bob');
  expect(await bob.next()).toEqual(gone);
  await server.json('alice', '/v1/messages', { messages: [{ dest_id: 'bob', payload: 'new' }] });
  expect(await bob.nextEntries(1)).toMatchObject([{ seq: 2, payload: 'new' }]);
  bob.ack(2);
  await bob.fence();
  expect(bob.rest).toEqual([]);
});

it('it stands as gone in pages too, by REST and on the websocket', async () => {
  await expired('carol');
  expect(await server.json('carol', '/v1/inbox')).toMatchObject({ messages: [gone], tail_seq: 1, complete: true });
  const carol = await Talker.open(server, 'carol');
  carol.send({ type: -101, payload: { fetch_inbox: {} } });
  expect((await carol.next(({ type }) => type === -102))['payload']).toMatchObject({ messages: [gone] });
});

it('a client of the library is told of it', async () => {
  await expired('dave');
  const heard = await new Promise((resolve) => {
    const dave = server.client('dave', { onMessage: () => {}, onGone: resolve });
    void dave.connect();
  });
  expect(heard).toMatchObject({ seq: 1, reason: 'expired' });
});
