import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { LimitName } from '../../src/common/limit-names.js';
import { hitsIn } from '../support/figures.js';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

const KIB = 1024;

let server: TestServer;
beforeAll(async () => {
  // All that waits here comes from one sender at once.
  server = await TestServer.start({ RATE_PER_SECOND: '0' });
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

async function store(nodeId: string, payloads: readonly unknown[]): Promise<void> {
  const messages = payloads.map((payload) => ({ dest_id: nodeId, payload }));
  const { results } = (await server.json('sender', '/v1/messages', { messages }, { role: 'app' })) as {
    results: Frame[];
  };
  expect(results.every(({ status }) => status === 'stored')).toBe(true);
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
async function hits(limit: LimitName): Promise<number> {
  const page = await (await server.call('backend', '/metrics', { role: 'app' })).text();
  return hitsIn(page, limit);
}
const bytesOf = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);

it('at most 256 unacknowledged messages are in flight, and the rest follows the acknowledgements', async () => {
  const bob = await Talker.open(server, 'bob');
  expect(bob.hello).toMatchObject({ window: 256, window_bytes: 512 * KIB });
  await store('bob', numbers(600));
  await bob.nextEntries(256);
  await bob.fence();
  expect(bob.entries).toHaveLength(256);

  bob.ack(100);
  await bob.nextEntries(100);
  await bob.fence();
  expect(bob.entries).toHaveLength(356);

  bob.ack(356);
  await bob.nextEntries(244);
  expect(bob.entries.map(({ seq, payload }) => [seq, payload])).toEqual(numbers(600).map((n) => [n, n]));
  expect(await hits('window_messages')).toBe(1);
});

it('the window holds for what waited in the store, and acknowledged rows do not count in it', async () => {
  await server.json('carol', '/v1/inbox');
  await store('carol', numbers(600));
  const { epoch } = (await server
    .json('carol', '/v1/inbox/ack', { seq: 200 })
    .then(() => server.json('carol', '/v1/inbox'))) as { epoch: string };
  const carol = await Talker.open(server, 'carol', { query: `?epoch=${epoch}&last_seq=0` });
  await carol.nextEntries(456);
  await carol.fence();
  expect(carol.entries).toHaveLength(456);
});

it('at most 512 KiB are in flight unacknowledged', async () => {
  const dave = await Talker.open(server, 'dave');
  await store(
    'dave',
    numbers(20).map(() => 'x'.repeat(60 * KIB)),
  );
  await dave.nextEntries(8);
  await dave.fence();
  const frames = dave.heard.filter((text) => text.includes('"seq"'));
  expect(bytesOf(frames)).toBeLessThanOrEqual(512 * KIB);
  expect(await hits('window_bytes')).toBe(1);
  for (let seq = frames.length; seq < 20; seq = dave.entries.length) {
    dave.ack(seq);
    await dave.nextEntries(1);
  }
  expect(dave.entries.map(({ seq }) => seq)).toEqual(numbers(20));
});

it('only what was sent on the connection can be acknowledged', async () => {
  const erin = await Talker.open(server, 'erin');
  await store('erin', [1, 2]);
  await erin.nextEntries(2);
  for (const seq of [3, 1_000_000]) {
    erin.ack(seq);
    expect(await erin.next()).toMatchObject({ type: -113, code: 'invalid_field', field: 'seq' });
  }
  erin.ack(2);
  await erin.fence();
  expect(erin.rest).toEqual([]);
});
