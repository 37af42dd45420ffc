import { afterEach, expect, it } from 'vitest';
import { hitsOf } from '../support/figures.js';
import { holdTime } from '../support/held-time.js';
import { type KeyRequest, TestServer } from '../support/test-server.js';

interface Result {
  readonly id: string;
  readonly status: string;
  readonly code?: string;
  readonly retry_after_ms?: number;
}

let server: TestServer;

afterEach(() => server.stop());

async function send(nodeId: string, messages: object[], request: KeyRequest = {}): Promise<Result[]> {
  const body = JSON.stringify({ messages });
  const response = await server.call(nodeId, '/v1/messages', { method: 'POST', body, ...request });
  expect(response.status).toBe(200);
  return ((await response.json()) as { results: Result[] }).results;
}

const messages = (count: number, first = 0): object[] =>
  Array.from({ length: count }, (_none, index) => ({ id: `m${first + index}`, dest_id: 'bob' }));

it('calls of one node above the rate are refused 429 with Retry-After, whatever the call, others are not', async () => {
  server = await TestServer.start({ HTTP_RATE_PER_SECOND: '1', HTTP_RATE_BURST: '3' });
  holdTime(server);
  const paths = ['/v1/inbox', '/v1/sessions', '/v1/nodes/bob', '/v1/inbox', '/metrics'];
  const answers: Response[] = [];
  for (const path of paths) answers.push(await server.call('alice', path));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 403, 429, 429]);
  for (const refused of answers.slice(3)) {
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    const problem = (await refused.json()) as Record<string, unknown>;
    expect(problem).toMatchObject({ code: 'rate_limited', status: 429, detail: 'at most 1 calls a second' });
    const wait = Number(problem['retry_after_ms']);
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(1_000);
    expect(refused.headers.get('retry-after')).toBe('1');
  }
  expect((await server.call('bob', '/v1/inbox')).status).toBe(200);
  expect(await hitsOf(server, 'http_calls')).toBe(2);
});

it('a call that is refused for the rate has no effect', async () => {
  server = await TestServer.start({ HTTP_RATE_PER_SECOND: '1', HTTP_RATE_BURST: '1' });
  holdTime(server);
  await server.call('bob', '/v1/inbox');
  await server.call('alice', '/v1/inbox');
  const body = JSON.stringify({ messages: messages(1) });
  expect((await server.call('alice', '/v1/messages', { method: 'POST', body })).status).toBe(429);
  const inbox = await server.json('bob', '/v1/inbox', undefined, { role: 'app' });
  expect(inbox).toMatchObject({ tail_seq: 0 });
});

it.each(['app', 'admin'] as const)('a key of the role %s has no rate by HTTP', async (role) => {
  server = await TestServer.start({
    HTTP_RATE_PER_SECOND: '1',
    HTTP_RATE_BURST: '1',
    RATE_PER_SECOND: '1',
    RATE_BURST: '1',
  });
  for (let count = 0; count < 10; count += 1) {
    const results = await send('backend', messages(10, 10 * count), { role });
    expect(results.every(({ status }) => status === 'stored')).toBe(true);
  }
});

it('of messages by REST each element counts: the excess is refused and the call goes on', async () => {
  server = await TestServer.start({ RATE_PER_SECOND: '1', RATE_BURST: '5' });
  holdTime(server);
  await server.call('bob', '/v1/inbox');
  const results = await send('alice', messages(8));
  expect(results.map(({ code, status }) => code ?? status)).toEqual([
    ...Array.from({ length: 5 }, () => 'stored'),
    ...Array.from({ length: 3 }, () => 'rate_limited'),
  ]);
  const waits = results.slice(5).map(({ retry_after_ms: wait }) => Number(wait));
  for (const [place, wait] of waits.entries()) {
    expect(wait).toBeGreaterThan(1_000 * place);
    expect(wait).toBeLessThanOrEqual(1_000 * (place + 1));
  }
  expect(await hitsOf(server, 'rest_messages')).toBe(3);
  const others = await send('carol', messages(5));
  expect(others.every(({ status }) => status === 'stored')).toBe(true);
});

it('what was refused for the rate is not stored, and may come again under its id', async () => {
  server = await TestServer.start({ RATE_PER_SECOND: '50', RATE_BURST: '2' });
  await server.call('bob', '/v1/inbox');
  let waiting = messages(6) as Array<{ id: string }>;
  const stored: string[] = [];
  for (let calls = 0; waiting.length > 0 && calls < 10_000; calls += 1) {
    const results = await send('alice', waiting, {});
    stored.push(...results.filter(({ status }) => status === 'stored').map(({ id }) => id));
    const refused = new Set(results.filter(({ code }) => code === 'rate_limited').map(({ id }) => id));
    waiting = waiting.filter(({ id }) => refused.has(id));
  }
  const page = (await server.json('bob', '/v1/inbox')) as { messages: Array<{ id: string }> };
  expect(page.messages.map(({ id }) => id)).toEqual(['m0', 'm1', 'm2', 'm3', 'm4', 'm5']);
  expect(stored).toEqual(['m0', 'm1', 'm2', 'm3', 'm4', 'm5']);
});
