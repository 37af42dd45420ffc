import { afterEach, expect, it } from 'vitest';
import { hitsOf } from '../support/figures.js';
import { holdTime } from '../support/held-time.js';
import { RawSocket } from '../support/raw-socket.js';
import { TestServer } from '../support/test-server.js';

const BURST = 5;
const FORGED = { authorization: 'Bearer forged' };

let server: TestServer;

afterEach(() => server.stop());

/** No failure is forgiven within a test. */
async function start(settings: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  const failures = { AUTH_FAILURES_PER_SECOND: '1', AUTH_FAILURES_BURST: `${BURST}` };
  const started = await TestServer.start({ ...failures, ...settings });
  holdTime(started);
  return started;
}

type Headers = Readonly<Record<string, string>>;

function call(headers: Headers): Promise<Response> {
  return fetch(`${server.url}/v1/inbox`, { headers });
}

async function connect(headers: Headers, query = ''): ReturnType<typeof RawSocket.upgrade> {
  const asked = await RawSocket.upgrade(Number(new URL(server.url).port), `/connect${query}`, headers);
  asked.socket.destroy();
  return asked;
}

async function keyOf(nodeId: string): Promise<Headers> {
  return { authorization: `Bearer ${await server.key(nodeId)}` };
}

async function expectRateLimited(response: Response): Promise<void> {
  expect(response.status).toBe(429);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const problem = (await response.json()) as Record<string, unknown>;
  expect(problem).toMatchObject({ code: 'rate_limited', status: 429, retry_after_ms: expect.any(Number) });
  expect(response.headers.get('retry-after')).toBe(String(Math.ceil(Number(problem['retry_after_ms']) / 1_000)));
}

it('too many bad keys by HTTP from one address are refused 429 with Retry-After, on the websocket too', async () => {
  server = await start();
  for (let count = 0; count < BURST; count += 1) expect((await call(FORGED)).status).toBe(401);
  await expectRateLimited(await call(FORGED));
  for (const query of ['', '?validation_key=forged']) {
    const { response } = await connect(query === '' ? FORGED : {}, query);
    expect(response.status).toBe(429);
    expect(JSON.parse(response.body)).toMatchObject({ code: 'rate_limited', status: 429 });
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  }
});

it('too many bad keys on the websocket count by HTTP too, and a valid key is not looked at either', async () => {
  server = await start();
  const key = await keyOf('alice');
  for (let count = 0; count < BURST; count += 1) {
    const { response } = await connect(count % 2 === 0 ? FORGED : {}, count % 2 === 0 ? '' : '?validation_key=forged');
    expect(response.status).toBe(401);
  }
  await expectRateLimited(await call(key));
  expect(await hitsOf(server, 'auth_failures')).toBe(1);
});

it('who comes without a key does not count, and hears 401 whatever others did', async () => {
  server = await start();
  for (let count = 0; count < 3 * BURST; count += 1) {
    expect((await call({})).status).toBe(401);
    expect((await connect({})).response.status).toBe(401);
  }
  for (let count = 0; count < BURST; count += 1) await call(FORGED);
  expect((await call(FORGED)).status).toBe(429);
  expect((await call({})).status).toBe(401);
  expect((await connect({})).response.status).toBe(401);
});

it('behind a trusted proxy the address is the one that it names, by both ways', async () => {
  server = await start({ TRUSTED_PROXIES: '127.0.0.1', CONNECTIONS_PER_ADDRESS: '1' });
  const eve = { 'x-forwarded-for': '203.0.113.9, 198.51.100.1' };
  const bob = { 'x-forwarded-for': '198.51.100.2' };
  for (let count = 0; count < BURST; count += 1) await call({ ...FORGED, ...eve });
  expect((await call({ ...FORGED, ...eve })).status).toBe(429);
  expect((await connect({ ...FORGED, ...eve })).response.status).toBe(429);
  // What stands further away than the nearest untrusted address is invented.
  expect((await call({ ...FORGED, 'x-forwarded-for': '198.51.100.77, 198.51.100.1' })).status).toBe(429);
  expect((await call({ ...FORGED, ...bob })).status).toBe(401);
  const key = await keyOf('bob');
  expect((await call({ ...key, ...bob })).status).toBe(200);

  const port = Number(new URL(server.url).port);
  const held = await RawSocket.upgrade(port, '/connect', { ...key, ...bob });
  expect(held.response.status).toBe(101);
  const second = await connect({ ...key, ...bob });
  expect(second.response.status).toBe(429);
  expect(JSON.parse(second.response.body)).toMatchObject({ code: 'too_many_connections' });
  const other = await connect({ ...key, 'x-forwarded-for': '198.51.100.3' });
  expect(other.response.status).toBe(101);
  held.socket.destroy();
});

it('nobody that is no trusted proxy names another address than its own', async () => {
  server = await start();
  for (let count = 0; count < BURST; count += 1) await call({ ...FORGED, 'x-forwarded-for': `198.51.100.${count}` });
  expect((await call({ ...FORGED, 'x-forwarded-for': '198.51.100.200' })).status).toBe(429);
  expect((await connect({ ...FORGED, 'x-forwarded-for': '198.51.100.201' })).response.status).toBe(429);
});
