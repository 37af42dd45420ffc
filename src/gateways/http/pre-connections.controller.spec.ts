import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { Lifecycle } from '../../common/lifecycle.js';
import { FakeHeap } from '../../common/testing/fake-heap.js';
import { ValidationKeys } from '../../modules/auth/index.js';
import { ServerNode, ServerNodes, ServerNodesView } from '../../modules/nodes/index.js';
import { serverNodeRow } from '../../modules/nodes/testing/index.js';
import type { PreConnection } from './pre-connections.schema.js';
import { HttpApp, type HttpAppOptions } from './testing/http-app.js';

const by = { sub: 'phone', clientId: 'ann' };
let app: HttpApp;
const ask = async (body?: string): Promise<PreConnection> => {
  const answer = await app.call('post', '/v1/pre-connections', { by, ...(body !== undefined && { body }) });
  expect(answer.status).toBe(201);
  return answer.body as PreConnection;
};
const start = async (address: HttpAppOptions['address'] = {}): Promise<void> => {
  app = await HttpApp.start({ address });
};

/** Another server node that lives. */
async function addOther(): Promise<void> {
  const other = { address: '[::1]:9090', serverNodeId: '~sOther', bootId: 'other', baseUrl: 'https://[::1]:9090' };
  const there = await app.get(ServerNodes).succeed(serverNodeRow({ ...other, proxyHost: 'ws.example.com' }));
  const view = app.get(ServerNodesView);
  await view.refresh();
  await app.get(ServerNodes).beat('~sOther', 'other', there);
  await view.refresh();
}

/** At random, so that a crowd does not come back together. */
function expectSpread(retryAfter: unknown): void {
  expect(Number(retryAfter)).toBeGreaterThanOrEqual(1);
  expect(Number(retryAfter)).toBeLessThanOrEqual(30);
}

afterEach(() => app.close());

describe('POST /v1/pre-connections', () => {
  it('answers where to connect, with a key that opens this server node for the caller', async () => {
    await start();
    const answer = await ask();
    const { id } = app.get(ServerNode);
    expect(answer).toEqual({
      url: `ws://localhost:8080/connect?validation_key=${answer.validation_key}`,
      validation_key: expect.stringMatching(/^[\w-]{22}$/),
      expires_in: 60,
      server: { node_id: id, host: 'localhost', port: 8080, tls: false },
    });
    const grant = await app.get(ValidationKeys).peek(answer.validation_key, id);
    expect(grant).toMatchObject({ nodeId: 'phone', clientId: 'ann', role: 'node' });
  });

  it('takes hints, or none', async () => {
    await start();
    for (const body of ['{}', '{"session_id":"s"}', ' {"need_80_port" : false} ']) await ask(body);
  });

  it('leads through the proxy whose port 80 is open, when that is asked for', async () => {
    await start({ proxyHost: 'ws.example.com' });
    expect((await ask()).url).toMatch(/^ws:\/\/localhost:8080\/connect\?/);
    const answer = await ask('{"need_80_port":true}');
    expect(answer.url).toMatch(/^ws:\/\/ws\.example\.com\/connect\?/);
    expect(answer.server).toMatchObject({ host: 'localhost', proxy_host: 'ws.example.com' });
  });

  it('is answered no_server_node where only port 80 is open and nothing leads there', async () => {
    await start();
    const answer = await app.call('post', '/v1/pre-connections', { by, body: '{"need_80_port":true}' });
    expect([answer.status, answer.body.code]).toEqual([503, 'no_server_node']);
  });

  it('needs no proxy for port 80 where the address is on it', async () => {
    await start({ baseUrl: 'https://example.com', tls: true, host: 'example.com', port: 443 });
    const answer = await ask('{"need_80_port":true}');
    expect(answer.url).toMatch(/^wss:\/\/example\.com\/connect\?/);
    expect(answer.server).toEqual({ node_id: app.get(ServerNode).id, host: 'example.com', port: 443, tls: true });
  });

  it('keeps TLS and the path of a public address', async () => {
    await start({ baseUrl: 'https://example.com/chat', tls: true, proxyHost: '2001:db8::1' });
    expect((await ask()).url).toMatch(/^wss:\/\/example\.com\/chat\/connect\?/);
    expect((await ask('{"need_80_port":true}')).url).toMatch(/^wss:\/\/\[2001:db8::1\]\/connect\?/);
  });

  it.each([
    ['{"need_80_port":"yes"}', 'invalid_field', 'need_80_port'],
    ['{"session_id":"a b"}', 'invalid_field', 'session_id'],
    ['{"session_id":null}', 'invalid_field', 'session_id'],
    ['{"node_id":"x"}', 'unknown_field', 'node_id'],
  ])('refuses %s', async (body, code, field) => {
    await start();
    const answer = await app.call('post', '/v1/pre-connections', { by, body });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code, field });
  });

  it('is answered retry_later while the event loop is late for long', async () => {
    const clock = new ManualClock(Date.now());
    app = await HttpApp.start({ clock });
    for (let second = 0; second < 5; second += 1) {
      clock.jump(240);
      clock.advance(760);
    }
    const answer = await app.call('post', '/v1/pre-connections', { by });
    expect([answer.status, answer.body.code]).toEqual([503, 'retry_later']);
    expectSpread(answer.headers['retry-after']);
    clock.advance(1_000);
    await ask();
  });

  it('is answered retry_later while the heap is above its watermark', async () => {
    const heap = new FakeHeap();
    app = await HttpApp.start({ heap });
    heap.leave(0.71);
    const answer = await app.call('post', '/v1/pre-connections', { by });
    expect([answer.status, answer.body.code]).toEqual([503, 'retry_later']);
    expectSpread(answer.headers['retry-after']);
    heap.leave(0.7);
    await ask();
  });

  it('is answered retry_later from when the store has been silent for 30 s', async () => {
    await start();
    app.health.silentMs = () => 29_999;
    await ask();
    app.health.silentMs = () => 30_000;
    const answer = await app.call('post', '/v1/pre-connections', { by });
    expect([answer.status, answer.body.code]).toEqual([503, 'retry_later']);
    expectSpread(answer.headers['retry-after']);
  });

  it('leads to another server node while the heap of this one is above its watermark', async () => {
    const heap = new FakeHeap();
    app = await HttpApp.start({ heap, clock: new ManualClock(Date.now()) });
    await addOther();
    heap.leave(0.71);
    expect((await ask()).server.node_id).toBe('~sOther');
  });

  it('leads to another server node that has room, and opens there only', async () => {
    app = await HttpApp.start({ clock: new ManualClock(Date.now()) });
    await addOther();
    app.get(Lifecycle).beginDrain();
    const answer = await ask();
    expect(answer.url).toBe(`wss://[::1]:9090/connect?validation_key=${answer.validation_key}`);
    expect(answer.server).toEqual({
      node_id: '~sOther',
      host: '::1',
      port: 9090,
      proxy_host: 'ws.example.com',
      tls: true,
    });
    const keys = app.get(ValidationKeys);
    expect(await keys.peek(answer.validation_key, '~sOther')).toMatchObject({ nodeId: 'phone' });
    expect(await keys.peek(answer.validation_key, app.get(ServerNode).id)).toBeUndefined();
  });

  it('is answered no_server_node by a server that is going away', async () => {
    await start();
    app.get(Lifecycle).beginDrain();
    const answer = await app.call('post', '/v1/pre-connections', { by });
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.body).toMatchObject({ code: 'no_server_node' });
  });
});
