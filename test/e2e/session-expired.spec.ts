import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { SessionTalk } from '../support/session-talk.js';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

/** A fresh message has to arrive within it, also on a machine that stands still for a moment. */
const AGE_MS = 2_000;

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ INBOX_AGE_MS: String(AGE_MS), HTTP_RATE_PER_SECOND: '0' });
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

async function aged(nodeId: string): Promise<void> {
  for (;;) {
    const { messages } = (await server.json(nodeId, '/v1/inbox')) as { messages: Frame[] };
    if (messages[0]?.['type'] === -116) return;
  }
}

const gone = { type: -116, seq: 1, reason: 'expired' };

it('a message of a session that is too old keeps its seq and is delivered as gone', async () => {
  const session = await SessionTalk.of(server, ['ann', 'bob']);
  const ann = await Talker.open(server, 'ann');
  await ann.ask(session.to({ payload: 'old' }));
  await aged('bob');
  const bob = await Talker.open(server, 'bob');
  expect(await bob.next()).toEqual(gone);
  await ann.ask(session.to({ payload: 'new' }));
  expect(await bob.nextEntries(1)).toMatchObject([{ seq: 2, session_seq: 3, payload: 'new' }]);
});

it('so is one to a client', async () => {
  await server.call('phone', '/v1/inbox', { clientId: 'family' });
  const ann = await Talker.open(server, 'ann');
  await ann.ask({ dest_client_id: 'family', payload: 'old' });
  await aged('phone');
  const phone = await Talker.open(server, 'phone', { clientId: 'family' });
  expect(await phone.next()).toEqual(gone);
});
