import { once } from 'node:events';
import { connect } from 'node:net';
import type { AllsparkClient } from '@allspark/client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { figureIn, hitsOf } from '../support/figures.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
beforeEach(async () => {
  server = await TestServer.start();
});
afterEach(() => server.stop());

it('the metrics count messages by class and outcome, deliveries, commits and connections', async () => {
  const received: number[] = [];
  let bob: AllsparkClient | undefined;
  const complete = new Promise<void>((everything) => {
    bob = server.client('bob', { onMessage: () => (received.push(1) === 3 ? everything() : undefined) });
  });
  await bob?.connect();
  const alice = server.client('alice');
  await alice.connect();
  for (const payload of [1, 2, 3]) await alice.send({ destId: 'bob', payload });
  await expect(alice.send({ destId: 'nobody', payload: 4 })).rejects.toMatchObject({ code: 'node_unknown' });
  await complete;

  const page = await (await server.call('ops', '/metrics', { role: 'admin' })).text();
  expect(figureIn(page, 'allspark_messages_total{class="durable",way="websocket",outcome="stored"}')).toBe(3);
  expect(figureIn(page, 'allspark_messages_total{class="durable",way="websocket",outcome="refused"}')).toBe(1);
  expect(figureIn(page, 'allspark_refusals_total{code="node_unknown",way="websocket"}')).toBe(1);
  expect(figureIn(page, 'allspark_deliveries_total')).toBe(3);
  expect(figureIn(page, 'allspark_connections')).toBe(2);
  expect(figureIn(page, 'allspark_append_seconds_count')).toBeGreaterThanOrEqual(3);
  expect(figureIn(page, 'allspark_commit_seconds_count')).toBeGreaterThanOrEqual(3);
  expect(page).not.toMatch(/alice|bob/);
});

it('the metrics count requests that no handler sees, because their header is too big or does not come in time', async () => {
  // One for each: what comes from a busy machine is late, too.
  for (const [limit, settings, header] of [
    ['header_bytes', { MAX_HEADER_BYTES: '2048' }, `x-big: ${'x'.repeat(4_096)}\r\n\r\n`],
    ['headers_timeout', { HEADERS_TIMEOUT_MS: '100' }, 'x-late: '],
  ] as const) {
    const other = await TestServer.start(settings);
    const socket = connect(Number(new URL(other.url).port), '127.0.0.1').resume();
    socket.write(`GET /livez HTTP/1.1\r\nhost: x\r\n${header}`);
    await once(socket, 'close');
    const hits = await hitsOf(other, limit);
    await other.stop();
    expect(hits).toBe(1);
  }
});
