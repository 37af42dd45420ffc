import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { RawSocket } from '../support/raw-socket.js';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

const KIB = 1024;

let server: TestServer;
let raw: RawSocket | undefined;
beforeAll(async () => {
  server = await TestServer.start({ OUTBOUND_STUCK_MS: '500' });
});
afterEach(() => {
  raw?.destroy();
  Talker.hangUp();
});
afterAll(() => server.stop());

async function paused(nodeId: string): Promise<RawSocket> {
  const headers = { authorization: `Bearer ${await server.key(nodeId)}` };
  const { socket } = await RawSocket.upgrade(Number(new URL(server.url).port), '/connect', headers);
  await socket.nextJson();
  socket.pause();
  return socket;
}

/** Sends to a reader until the server calls it slow: more than all buffers between the two can hold. */
async function flood(sender: Talker, nodeId: string): Promise<void> {
  const payload = 'x'.repeat(60 * KIB);
  while ((await droppedAsSlow()) === 0) {
    for (let count = 0; count < 20; count += 1) sender.send({ dest_id: nodeId, payload, transient: true });
    await sender.fence();
  }
}

async function droppedAsSlow(): Promise<number> {
  return Number(/^allspark_drops_total\{reason="slow"\} (\d+)$/m.exec(await metrics())?.[1] ?? 0);
}

async function metrics(): Promise<string> {
  return (await server.call('backend', '/metrics', { role: 'app' })).text();
}

it('a peer that never reads is closed with 4000, others are fine, and everything is in its inbox', async () => {
  raw = await paused('slow');
  const [alice, carol, dave] = await Promise.all([
    Talker.open(server, 'alice', { role: 'app' }),
    Talker.open(server, 'carol'),
    Talker.open(server, 'dave'),
  ]);
  const ids = Array.from({ length: 10 }, (_, index) => `m${index}`);
  for (const id of ids) expect(await alice.ask({ dest_id: 'slow', id })).toMatchObject({ status: 'stored' });

  const flooding = flood(alice, 'slow');
  for (let payload = 1; payload <= 50; payload += 1) {
    expect(await carol.ask({ dest_id: 'dave', payload })).toMatchObject({ status: 'stored' });
    expect(await dave.nextEntries(1)).toMatchObject([{ seq: payload, payload }]);
  }
  await flooding;
  expect(await metrics()).toMatch(/limit_hits_total\{limit="outbound_pause"\} [1-9]/);
  raw.resume();
  expect(await raw.closed()).toEqual({ code: 4000, reason: expect.stringMatching(/^retry_after_ms=\d+$/) as unknown });

  expect(await alice.ask({ dest_id: 'slow', id: 'after' })).toMatchObject({ status: 'stored' });
  const back = await Talker.open(server, 'slow');
  const entries = await back.nextEntries(11);
  expect(entries.map(({ id }: Frame) => id)).toEqual([...ids, 'after']);
});
