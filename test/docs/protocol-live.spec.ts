import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RawData, WebSocket } from 'ws';
import { ServerNode, ServerNodes, ServerNodesView } from '../../src/modules/nodes/index.js';
import { serverNodeRow } from '../../src/modules/nodes/testing/index.js';
import { TestServer } from '../support/test-server.js';
import { prose, tables } from './markdown.js';
import { accepted, markdown, optionOf, parsed, refused, shapeOf, shown } from './protocol-examples.js';

type Frame = Record<string, unknown>;

/** A websocket that answers one question at a time. */
class Peer {
  private readonly frames: Frame[] = [];
  private arrived: () => void = () => {};

  constructor(private readonly socket: WebSocket) {
    socket.on('message', (data: RawData) => {
      this.frames.push(JSON.parse((data as Buffer).toString('utf8')) as Frame);
      this.arrived();
    });
  }

  send(text: string): void {
    this.socket.send(text);
  }

  /** The first frame from now on that fits; those before it are dropped. */
  async next(fits: (frame: Frame) => boolean = () => true): Promise<Frame> {
    for (;;) {
      const frame = this.frames.shift();
      if (frame && fits(frame)) return frame;
      if (!frame) await new Promise<void>((resolve) => (this.arrived = resolve));
    }
  }

  async close(): Promise<void> {
    const closed = once(this.socket, 'close');
    this.socket.close();
    await closed;
  }
}

async function answerOf(response: Promise<Response>): Promise<[status: number, shape: unknown]> {
  const answer = await response;
  return [answer.status, shapeOf(await answer.json())];
}

const isAnswer = ({ type }: Frame): boolean => Number(type) < 0;

describe('the server does what docs/protocol.md shows', () => {
  let server: TestServer;
  let alice: Peer;
  let hello: Frame;

  beforeAll(async () => {
    server = await TestServer.start();
    await server.call('bob-phone', '/v1/inbox', { clientId: 'bob' });
    await server.call('backend', '/v1/sessions', {
      role: 'app',
      method: 'POST',
      body: shown('request', 'session-of-app'),
    });
    alice = new Peer(await server.socket('alice-phone', { clientId: 'alice' }));
    hello = await alice.next();
  });
  afterAll(() => server.stop());

  it('greets with the fields of the example', () => {
    const { reason: _, ...first } = parsed('server', 'hello') as Frame;
    expect(shapeOf(hello)).toEqual(shapeOf(first));
    expect(hello).toMatchObject({ resumed: false, max_frame_bytes: 65_536, window: 256, window_bytes: 524_288 });
  });

  it.each(refused)('answers the wrong frame of line $line with its code, and goes on', async (fence) => {
    alice.send(fence.text);
    const { type, code, field } = await alice.next(isAnswer);
    expect({ type, code, field }).toEqual({
      type: -113,
      code: optionOf(fence, 'refused'),
      field: optionOf(fence, 'field'),
    });
  });

  /** What the frames that are right are answered by; the fence of silence shows that nothing came before it. */
  const ANSWERS: ReadonlyArray<readonly [frame: RegExp, answer: Frame]> = [
    [/"transient": true/, { type: -121, id: 'fence' }],
    [/"dest_(client_|session_)?id"/, { type: -112, status: 'stored' }],
    [/-111/, { type: -113, code: 'invalid_field', field: 'seq' }],
    [/-101/, { type: -102 }],
    [/-120/, { type: -121, id: 'probe-1' }],
    [/^\{\}$/, { type: -121, id: 'fence' }],
  ];

  it.each(accepted)('answers the frame of line $line as it says', async ({ text }) => {
    const expected = ANSWERS.find(([frame]) => frame.test(text.replaceAll('\n', ' ')))?.[1];
    alice.send(text);
    if (expected?.['id'] === 'fence') alice.send('{"type":-120,"id":"fence"}');
    expect(await alice.next(isAnswer)).toMatchObject(expected ?? {});
  });

  it('delivers with the fields of the examples', async () => {
    const bob = new Peer(await server.socket('bob-phone', { clientId: 'bob' }));
    await bob.next();
    const durable = await bob.next(({ id }) => id === 'm-1');
    expect(shapeOf(durable)).toEqual(shapeOf(parsed('server', 'durable')));
    const sensor = new Peer(await server.socket('sensor-9'));
    await sensor.next();
    sensor.send('{ "dest_id": "bob-phone", "type": 12, "payload": { "typing": true }, "transient": true }');
    const transient = await bob.next(({ src_id: source }) => source === 'sensor-9');
    expect(shapeOf(transient)).toEqual(shapeOf(parsed('server', 'transient')));
    await Promise.all([bob.close(), sensor.close()]);
  });

  it('tells of what cannot be resumed with the fields of the example', async () => {
    const peer = new Peer(await server.socket('sensor-9', { query: '?epoch=another&last_seq=1' }));
    expect(shapeOf(await peer.next())).toEqual(shapeOf(parsed('server', 'hello-unresumed')));
    await peer.close();
  });

  it('answers the calls with the fields of the examples', async () => {
    const post = (path: string, body: string) => server.call('alice-phone', path, { method: 'POST', body });
    expect(await answerOf(post('/v1/pre-connections', shown('request', 'pre-connections')))).toEqual([
      201,
      shapeOf(parsed('response', 'pre-connections')),
    ]);
    expect(await answerOf(post('/v1/messages', shown('request', 'messages')))).toEqual([
      200,
      shapeOf(parsed('response', 'messages')),
    ]);
    const acknowledge = server.call('bob-phone', '/v1/inbox/ack', { method: 'POST', body: '{"seq":1}' });
    expect(await answerOf(acknowledge)).toEqual([200, shapeOf(parsed('response', 'inbox-ack'))]);
    const problem = parsed('response', 'problem') as { request_id: string };
    const told = await server.json('alice-phone', '/v1/sessions', { type: 'party', colour: 'red' });
    expect({ ...(told as object), request_id: problem.request_id }).toEqual(problem);
  });

  it('serves the calls that have a heading or a line in the table for operators, and no other', async () => {
    const { paths } = (await (await fetch(`${server.url}/openapi.json`)).json()) as { paths: Record<string, object> };
    const served = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const headings = [...prose(markdown).matchAll(/^### ([A-Z]+ \/\S+)$/gm)].map(([, call]) => call);
    const lines = tables(markdown).find(({ head }) => head[0] === 'call')?.rows ?? [];
    const told = [...headings, ...lines.map(([call = '']) => call.replaceAll('`', ''))];
    expect(new Set(told)).toEqual(new Set(served.filter((call) => call !== 'GET /connect')));
    expect(told.length).toBeGreaterThanOrEqual(20);
  });

  it('shows a node with the fields of the example', async () => {
    const laptop = new Peer(await server.socket('bob-laptop', { clientId: 'bob' }));
    await laptop.next();
    expect(await answerOf(server.call('backend', '/v1/nodes/bob-laptop', { role: 'app' }))).toEqual([
      200,
      shapeOf(parsed('response', 'node')),
    ]);
    await laptop.close();
  });

  it('ends connections and keys with the fields of the examples', async () => {
    const byApp = (method: string, path: string, body?: string) =>
      server.call('backend', path, { role: 'app', method, ...(body !== undefined && { body }) });
    const tablet = await server.socket('bob-tablet', { clientId: 'bob' });
    const closed = once(tablet, 'close');
    await new Peer(tablet).next();
    expect(await answerOf(byApp('DELETE', '/v1/nodes/bob-tablet/connections?reason=signed%20out'))).toEqual([
      200,
      shapeOf(parsed('response', 'disconnected')),
    ]);
    expect((await closed).map(String)).toEqual(['4501', 'signed out']);
    expect(await (await byApp('DELETE', '/v1/connections/nothing')).json()).toEqual({ closed: 0 });
    expect(await answerOf(byApp('POST', '/v1/revocations', shown('request', 'revocation')))).toEqual([
      201,
      shapeOf(parsed('response', 'revocation')),
    ]);
  });
});

describe('a server node that goes away while another one lives', () => {
  it('tells to move with the fields of the example', async () => {
    const server = await TestServer.start();
    const get = <T>(token: abstract new (...args: never[]) => T): T =>
      server.running.app.get<T>(token, { strict: false });
    const [registry, view, self] = [get(ServerNodes), get(ServerNodesView), get(ServerNode)];
    const other = serverNodeRow({ address: 'localhost:81', serverNodeId: '~sother', bootId: 'other' });
    await registry.succeed(other);
    for (let beat = 0; beat < 2; beat += 1) {
      await registry.beat(other.serverNodeId, other.bootId, other);
      await view.observe(self.beat());
    }
    const peer = new Peer(await server.socket('alice-phone'));
    await peer.next();
    const stopped = server.stop();
    const move = await peer.next();
    expect(shapeOf(move)).toEqual(shapeOf(parsed('server', 'move')));
    expect(move['within_ms']).toBeLessThanOrEqual(Number((parsed('server', 'move') as Frame)['within_ms']));
    await peer.close();
    await stopped;
  });
});
