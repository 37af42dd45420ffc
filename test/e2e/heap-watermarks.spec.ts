import { afterEach, expect, it } from 'vitest';
import { Heap, V8Heap } from '../../src/common/heap.js';
import { hitsOf } from '../support/figures.js';
import { RawSocket } from '../support/raw-socket.js';
import { Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
/** Alive: more than 1 % of any heap that tests have. */
let ballast: number[] = [];

afterEach(async () => {
  Talker.hangUp();
  ballast = [];
  await server.stop();
});

function collectedBy(heap: Heap): Promise<void> {
  return new Promise((resolve) => {
    heap.onCollected(resolve);
    heap.collect();
  });
}

/** One that knows nothing of the heap yet: for a while nothing is collected by itself. */
async function start(settings: Readonly<Record<string, string>>): Promise<void> {
  const heap = new V8Heap();
  await collectedBy(heap);
  heap.stop();
  server = await TestServer.start(settings);
}

/** After it the server knows how much of the heap of this process is alive: more than 1 %. */
async function collect(): Promise<void> {
  const heap = server.running.app.get(Heap, { strict: false });
  ballast = Array.from({ length: Math.ceil(heap.limitBytes / 400) }, () => 0.5);
  await collectedBy(heap);
  expect(ballast[0]).toBe(0.5);
}

function expectSpread(retryAfter: string | null | undefined): void {
  expect(Number(retryAfter)).toBeGreaterThanOrEqual(1);
  expect(Number(retryAfter)).toBeLessThanOrEqual(30);
}

it('above the first watermark nobody new is let in, those who are connected go on', async () => {
  await start({ HEAP_NO_SOCKETS_PERCENT: '1', HEAP_RETRY_LATER_PERCENT: '100' });
  const alice = await Talker.open(server, 'alice');
  await collect();

  const headers = { authorization: `Bearer ${await server.key('bob')}` };
  const { socket, response } = await RawSocket.upgrade(Number(new URL(server.url).port), '/connect', headers);
  socket.destroy();
  expect(response.status).toBe(503);
  expectSpread(response.headers.get('retry-after'));
  expect(JSON.parse(response.body)).toMatchObject({ code: 'retry_later', retry_after_ms: expect.any(Number) });

  const asked = await server.call('bob', '/v1/pre-connections', { method: 'POST' });
  expect(asked.status).toBe(503);
  expectSpread(asked.headers.get('retry-after'));
  expect(await asked.json()).toMatchObject({ code: 'retry_later' });

  const ready = await fetch(`${server.url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ reasons: [expect.stringMatching(/^the heap is \d+ % full$/)] });

  expect(await alice.ask({ dest_id: 'alice', payload: 1 })).toMatchObject({ type: -112, status: 'stored' });
  expect(await hitsOf(server, 'heap_sockets')).toBe(2);
});

it('above the second one messages are refused for now by both ways, and everything else goes on', async () => {
  await start({ HEAP_NO_SOCKETS_PERCENT: '0', HEAP_RETRY_LATER_PERCENT: '1' });
  const bob = await Talker.open(server, 'bob');
  const alice = await Talker.open(server, 'alice');
  await alice.ask({ id: 'before', dest_id: 'bob', payload: 1 });
  const [before] = await bob.nextEntries(1);
  await collect();

  for (const transient of [false, true]) {
    const frame = { id: `late-${transient}`, dest_id: 'bob', ...(transient && { transient }) };
    expect(await alice.ask(frame)).toMatchObject({ type: -113, code: 'retry_later', retry_after_ms: 5_000 });
    const answer = await server.json('carol', '/v1/messages', { messages: [frame] });
    expect(answer).toEqual({
      results: [expect.objectContaining({ status: 'refused', code: 'retry_later', retry_after_ms: 5_000 })],
    });
  }
  expect(await hitsOf(server, 'heap_messages')).toBe(4);

  bob.ack(Number(before?.['seq']));
  await bob.fence();
  bob.send({ type: -101, id: 'page', payload: { fetch_inbox: {} } });
  expect(await bob.next(({ type }) => type === -102)).toMatchObject({ id: 'page', payload: { tail_seq: 1 } });
  expect(await server.json('bob', '/v1/inbox')).toMatchObject({ tail_seq: 1 });
  expect((await Talker.open(server, 'carol')).hello).toMatchObject({ type: -110 });
});

it('garbage that is not collected yet holds nobody up', async () => {
  await start({ HEAP_NO_SOCKETS_PERCENT: '60', HEAP_RETRY_LATER_PERCENT: '60' });
  await collect();
  const heap = server.running.app.get(Heap, { strict: false });
  const taken = heap.usedBytes();
  let garbage: unknown[] = [];
  while (heap.usedBytes() < taken + 32 * 2 ** 20) garbage = Array.from({ length: 65_536 }, () => Math.random());
  expect(garbage).toHaveLength(65_536);
  const alice = await Talker.open(server, 'alice');
  expect(await alice.ask({ dest_id: 'alice', payload: 1 })).toMatchObject({ status: 'stored' });
});
