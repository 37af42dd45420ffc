import { afterEach, expect, it } from 'vitest';
import { hitsOf } from '../support/figures.js';
import { holdTime } from '../support/held-time.js';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
afterEach(async () => {
  Talker.hangUp();
  await server.stop();
});

const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `m${index}`);

function sendAll(sender: Talker, count: number): Promise<Frame[]> {
  for (const id of ids(count)) sender.send({ dest_id: 'bob', id });
  return Promise.all(ids(count).map((id) => sender.answerTo(id)));
}

it('whoever is too fast is read more slowly first, and nothing is refused or lost', async () => {
  server = await TestServer.start({ RATE_PER_SECOND: '200', RATE_BURST: '20' });
  await server.json('bob', '/v1/inbox');
  const alice = await Talker.open(server, 'alice');
  const began = performance.now();
  const answers = await sendAll(alice, 100);
  expect(answers.every(({ status }) => status === 'stored')).toBe(true);
  // 20 at once, the other 80 at 200 a second.
  expect(performance.now() - began).toBeGreaterThan(300);
});

it('who goes on is answered rate_limited, and the same messages may come again in their order', async () => {
  server = await TestServer.start({
    RATE_PER_SECOND: '10',
    RATE_BURST: '10',
    RATE_PAUSE_MS: '0',
    RATE_ABUSE_FACTOR: '0',
  });
  await server.json('bob', '/v1/inbox');
  const alice = await Talker.open(server, 'alice');
  holdTime(server);
  const answers = await sendAll(alice, 30);
  const refused = answers.filter(({ code }) => code === 'rate_limited');
  expect(refused.length).toBeGreaterThan(10);
  for (const answer of refused) expect(answer).toMatchObject({ type: -113, retry_after_ms: expect.any(Number) });
  expect(await hitsOf(server, 'socket_messages')).toBe(refused.length);
  const stored = answers.findIndex(({ status }) => status !== 'stored');
  expect(answers.slice(stored).every(({ status }) => status === undefined)).toBe(true);
});

it('an app is not held up', async () => {
  server = await TestServer.start({ RATE_PER_SECOND: '1', RATE_BURST: '1' });
  await server.json('bob', '/v1/inbox');
  const backend = await Talker.open(server, 'backend', { role: 'app' });
  const answers = await sendAll(backend, 100);
  expect(answers.every(({ status }) => status === 'stored')).toBe(true);
});

it('who is far too fast all the while is closed with 4502, and does not come back', async () => {
  server = await TestServer.start({
    RATE_PER_SECOND: '10',
    RATE_BURST: '10',
    RATE_PAUSE_MS: '0',
    RATE_ABUSE_FACTOR: '2',
    RATE_ABUSE_MS: '200',
  });
  const alice = await Talker.open(server, 'alice');
  for (let turn = 0; alice.socket.readyState === alice.socket.OPEN; turn += 1) {
    alice.send({ type: -101, id: `q${turn}`, payload: { fetch_inbox: {} } });
    await new Promise(setImmediate);
  }
  expect(await alice.ended).toEqual({ code: 4502, reason: '' });
});
