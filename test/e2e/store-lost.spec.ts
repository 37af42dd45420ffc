import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Metrics } from '../../src/common/metrics.js';
import { findMongo } from '../support/mongo.js';
import { MongoBehindLink } from '../support/mongo-behind-link.js';
import { RawSocket } from '../support/raw-socket.js';
import { holdStore } from '../support/store-lock.js';
import { Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

const SHORT = { STORE_LOST_MS: '2000', DRAIN_SPREAD_MS: '1000' };
const found = await findMongo();

let server: TestServer;
let release: () => Promise<void> = async () => {};

async function readiness(): Promise<{ status: number; reasons: string[] }> {
  const response = await fetch(`${server.url}/readyz`);
  const { reasons = [] } = (await response.json()) as { reasons?: string[] };
  return { status: response.status, reasons };
}

async function knock(): Promise<{ status: number; retryAfter: number; code?: string }> {
  const headers = { authorization: `Bearer ${await server.key('zoe')}` };
  const { socket, response } = await RawSocket.upgrade(Number(new URL(server.url).port), '/connect', headers);
  socket.destroy();
  const { code } = response.status === 101 ? {} : (JSON.parse(response.body) as { code: string });
  return { status: response.status, retryAfter: Number(response.headers.get('retry-after')), ...(code && { code }) };
}

async function expectSentAway(talkers: readonly Talker[]): Promise<void> {
  for (const talker of talkers) {
    const { code, reason } = await talker.ended;
    expect(code).toBe(1012);
    expect(reason).toMatch(/^retry_after_ms=\d+$/);
  }
}

/** While it is lost, and not before: 503 with Retry-After for whoever is new. */
async function expectShut(): Promise<void> {
  const { status, retryAfter, code } = await knock();
  expect({ status, code }).toEqual({ status: 503, code: 'retry_later' });
  expect(retryAfter).toBeGreaterThanOrEqual(1);
  expect(retryAfter).toBeLessThanOrEqual(30);
  const asked = await server.call('zoe', '/v1/pre-connections', { method: 'POST' });
  expect(asked.status).toBe(503);
  expect(Number(asked.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(await asked.json()).toMatchObject({ code: 'retry_later', detail: 'the store is away' });
  expect((await readiness()).status).toBe(503);
  const page = await server.running.app.get(Metrics, { strict: false }).text();
  expect(page).toMatch(/allspark_limit_hits_total{limit="store_lost"} [1-9]/);
}

async function crowd(count: number): Promise<Talker[]> {
  const names = Array.from({ length: count }, (_none, index) => `node-${index}`);
  return Promise.all(names.map((name) => Talker.open(server, name)));
}

describe('a server node whose folder is held by another process', () => {
  afterEach(async () => {
    Talker.hangUp();
    await release();
    await server.stop();
  });

  it('sends everybody away with 1012 and lets nobody in until it can write again', { timeout: 30_000 }, async () => {
    server = await TestServer.start(SHORT);
    await server.json('zoe', '/v1/inbox');
    const talkers = await crowd(10);
    release = await holdStore(server.dataDir);
    talkers[0]?.send({ id: 'late', dest_id: 'node-1', payload: 1 });
    await expectSentAway(talkers);
    await expectShut();
    await release();
    while ((await readiness()).status !== 200);
    expect((await knock()).status).toBe(101);
    const again = await Talker.open(server, 'node-0');
    expect(await again.ask({ id: 'late', dest_id: 'node-1', payload: 1 })).toMatchObject({ type: -112 });
  });
});

describe.skipIf(!found)('a server node whose MongoDB is away', () => {
  let mongo: MongoBehindLink;

  beforeAll(async () => void (mongo = await MongoBehindLink.start(found!)));

  afterEach(async () => {
    Talker.hangUp();
    mongo.link.become('open');
    await server.stop();
  });

  afterAll(() => mongo.stop());

  const start = (settings: Readonly<Record<string, string>>): Promise<TestServer> =>
    TestServer.start({ ...mongo.settings, ...settings });

  it.each(['cut', 'deaf'] as const)(
    '%s: sends everybody away with 1012, lets nobody in, and takes them again when it is back',
    async (state) => {
      server = await start({
        ...SHORT,
        STORE_LOST_MS: '3000',
        MONGODB_TIMEOUT_MS: '2000',
        MONGODB_WTIMEOUT_MS: '1900',
        MONGODB_SERVER_SELECTION_MS: '1800',
        STORE_DEADLINE_MS: '2500',
      });
      await server.json('zoe', '/v1/inbox');
      const talkers = await crowd(10);
      const began = performance.now();
      mongo.link.become(state);
      await expectSentAway(talkers);
      expect(performance.now() - began).toBeGreaterThan(3_000 - 1_000);
      await expectShut();
      expect((await readiness()).reasons.join()).toMatch(/MongoDB/);
      mongo.link.become('open');
      while ((await readiness()).status !== 200);
      // What was asked of MongoDB while it was away still has to fail, and keeps what is asked behind it waiting.
      while ((await knock()).status !== 101);
      const again = server.client('node-0');
      await again.connect();
      expect(await again.send({ destId: 'node-1', payload: 1 })).toMatchObject({ status: 'stored' });
    },
  );

  it('by the settings as they ship it is not ready 10 s after it fell silent', async () => {
    server = await start({});
    const alice = await Talker.open(server, 'alice');
    mongo.link.become('deaf');
    const began = performance.now();
    while ((await readiness()).status === 200);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(alice.socket.readyState).toBe(alice.socket.OPEN);
  });
});
