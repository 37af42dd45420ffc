import type { INestApplication } from '@nestjs/common';
import type { Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { hitsIn } from '../../../test/support/figures.js';
import { clientFrame, RawSocket } from '../../../test/support/raw-socket.js';
import { ManualClock } from '../../common/clock.js';
import { Lifecycle } from '../../common/lifecycle.js';
import type { LimitName } from '../../common/limit-names.js';
import { Metrics } from '../../common/metrics.js';
import { ValidationKeys } from '../../modules/auth/index.js';
import { ConnectionHooks } from '../../modules/connections/index.js';
import { ServerNode } from '../../modules/nodes/index.js';
import { Admission } from './admission.js';
import { eventually, Scene } from '../../../test/support/native-scene.js';
import { keyOf, type NativeAppOptions } from '../../../test/support/native-app.js';

let scene: Scene;

async function start(options: NativeAppOptions = {}): Promise<void> {
  scene = await Scene.start(options);
}

function upgrade(target: string, headers: Readonly<Record<string, string | null>> = {}) {
  return RawSocket.upgrade(scene.server.port, target, headers).then(({ socket, response }) => {
    socket.destroy();
    return response;
  });
}

async function hitsOf(limit: LimitName): Promise<number> {
  return hitsIn(await scene.server.get(Metrics).text(), limit);
}

async function validationKey(sub = 'a'): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  const identity = {
    nodeId: sub,
    clientId: null,
    role: 'node',
    issuedAt: now,
    expiresAt: now + 600,
    kid: null,
  } as const;
  const issued = await scene.server.get(ValidationKeys).issue(identity, scene.server.get(ServerNode).id);
  return issued.validationKey;
}

function listenAtOther(app: INestApplication): void {
  (app.getHttpServer() as Server).on('upgrade', (request, socket) => {
    if (request.url === '/other') socket.end('HTTP/1.1 418 Teapot\r\ncontent-length: 0\r\n\r\n');
  });
}

afterEach(() => scene.end());

describe('a websocket', () => {
  it('opens with an auth key in the header', async () => {
    await start();
    const { response } = await scene.ask({ sub: 'a' });
    expect(response.status).toBe(101);
    expect(response.headers.get('sec-websocket-extensions')).toBeUndefined();
  });

  it('opens with a validation key, which is good for one of many who come with it at once', async () => {
    await start();
    const key = await validationKey();
    const answers = await Promise.all(Array.from({ length: 20 }, () => upgrade(`/connect?validation_key=${key}`)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 101)).toHaveLength(1);
    expect(statuses.filter((status) => status === 401)).toHaveLength(19);
  });

  it('opens from an allowed origin', async () => {
    await start();
    const { response } = await scene.ask({ sub: 'a' }, '', { origin: 'https://app.example.com' });
    expect(response.status).toBe(101);
  });

  it('opens without naming any of the subprotocols that were offered, for one may be a token', async () => {
    await start();
    const { response } = await scene.ask({ sub: 'a' }, '', { 'sec-websocket-protocol': 'chat, secret' });
    expect(response.status).toBe(101);
    expect(response.headers.has('sec-websocket-protocol')).toBe(false);
  });

  it('handles a frame that is glued to the handshake, after hello', async () => {
    await start();
    const { socket, response } = await scene.ask({ sub: 'a' }, '', {}, clientFrame('{"type":-120,"id":"q"}'));
    expect(response.status).toBe(101);
    expect(await socket.nextJson()).toMatchObject({ type: -110 });
    expect(await socket.nextJson()).toEqual({ type: -121, id: 'q' });
  });

  it('handles nothing of a frame that is glued to a handshake that is refused', async () => {
    await start();
    const glued = clientFrame('{"dest_id":"a"}');
    const { socket, response } = await scene.ask({ sub: 'a' }, '', { authorization: 'Bearer x' }, glued);
    expect(response.status).toBe(401);
    await socket.ended();
  });
});

describe('a handshake is refused by a problem document', () => {
  it('with 401 and always the same words, whatever is wrong with the key', async () => {
    await start();
    const jwt = await keyOf({ sub: 'a' });
    const used = await validationKey();
    expect((await upgrade(`/connect?validation_key=${used}`)).status).toBe(101);
    const answers = await Promise.all([
      upgrade('/connect'),
      upgrade('/connect', { authorization: 'Bearer nonsense' }),
      upgrade('/connect', { authorization: `Bearer ${jwt.slice(0, -2)}` }),
      upgrade('/connect', { authorization: 'Basic YTpi' }),
      upgrade('/connect?validation_key='),
      upgrade(`/connect?validation_key=${used}`),
      upgrade(`/connect?validation_key=${jwt}`),
      upgrade(`/connect?validation_key=${'k'.repeat(10_000)}`),
    ]);
    const bodies = answers.map(({ body }) => ({ ...(JSON.parse(body) as object), request_id: '' }));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    expect(answers.map(({ headers }) => headers.get('www-authenticate'))).toEqual(Array(8).fill('Bearer'));
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
    expect(bodies[0]).toMatchObject({ code: 'unauthorized', status: 401 });
  });

  it('with 401 for an auth key where the pre-connection step is forced', async () => {
    await start({ native: { direct: false } });
    expect((await scene.ask({ sub: 'a' })).response.status).toBe(401);
  });

  it.each([
    ['an unknown parameter', '?token=eyJhbGciOiJIUzI1NiJ9.e30.x'],
    ['a parameter twice', '?epoch=e&last_seq=1&last_seq=1'],
    ['an epoch without last_seq', '?epoch=e'],
    ['a last_seq without epoch', '?last_seq=3'],
    ['a negative last_seq', '?epoch=e&last_seq=-1'],
    ['a last_seq that is no number', '?epoch=e&last_seq=1e3'],
    ['a last_seq beyond 2^53', '?epoch=e&last_seq=9007199254740993'],
    ['an epoch that cannot be one', '?epoch=%24ne&last_seq=1'],
    ['two kinds of credentials', '?validation_key=abc'],
  ])('with 400 for %s, and does not repeat it', async (_what, query) => {
    await start();
    const { response } = await scene.ask({ sub: 'a' }, query);
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(JSON.parse(response.body)).toMatchObject({ code: 'bad_handshake', status: 400 });
    expect(response.body).not.toContain('eyJ');
  });

  it.each([
    ['a bad Sec-WebSocket-Key', { 'sec-websocket-key': 'short' }, 400],
    ['no Sec-WebSocket-Key', { 'sec-websocket-key': null }, 400],
    ['another protocol', { upgrade: 'h2c' }, 400],
    ['another version', { 'sec-websocket-version': '8' }, 426],
    ['no version', { 'sec-websocket-version': null }, 426],
    [
      'a hundred subprotocols',
      { 'sec-websocket-protocol': Array.from({ length: 100 }, (_, n) => `p${n}`).join() },
      400,
    ],
    ['a subprotocol twice', { 'sec-websocket-protocol': 'a, a' }, 400],
    ['a subprotocol that is none', { 'sec-websocket-protocol': 'a b' }, 400],
  ])('for %s', async (_what, headers, status) => {
    await start();
    const { response } = await scene.ask({ sub: 'a' }, '', headers);
    expect(response.status).toBe(status);
    if (status === 426) expect(response.headers.get('sec-websocket-version')).toBe('13');
  });

  it('with 400 for more headers than are allowed', async () => {
    await start({ native: { maxHeaderCount: 20 } });
    const many = Object.fromEntries(Array.from({ length: 15 }, (_, index) => [`x-${index}`, 'y']));
    expect((await scene.ask({ sub: 'a' }, '', many)).response.status).toBe(400);
  });

  it.each([
    'null',
    'https://app.example.com.evil.com',
    'https://app.example.co',
    'https://evil.app.example.com',
    'https://APP.example.com',
    'https://app.example.com:443',
    'https://app.example.com:8443',
    'http://app.example.com',
    'https://app.example.com/',
    '',
    `https://${'a'.repeat(10_240)}.example.com`,
  ])('with 403 for the origin %s', async (origin) => {
    await start();
    const { response } = await scene.ask({ sub: 'a' }, '', { origin });
    expect(response.status).toBe(403);
    expect(JSON.parse(response.body)).toMatchObject({ code: 'origin_refused' });
  });

  it.each(['/', '/connect/', '//connect', '/CONNECT', '/connect/x', 'http://localhost/connect', '/%63onnect'])(
    'with 404 at %s',
    async (target) => {
      await start();
      const response = await upgrade(target, { authorization: `Bearer ${await keyOf({ sub: 'a' })}` });
      expect(response.status).toBe(404);
      expect(JSON.parse(response.body)).toMatchObject({ code: 'not_found' });
    },
  );

  it('with 503 while the server node is not ready, and says when to come back', async () => {
    await start({ starting: true });
    const { response } = await scene.ask({ sub: 'a' });
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(Number(response.headers.get('retry-after'))).toBeLessThanOrEqual(30);
    expect(JSON.parse(response.body)).toMatchObject({ code: 'retry_later' });
    scene.server.get(Lifecycle).becomeReady();
    expect((await scene.ask({ sub: 'a' })).response.status).toBe(101);
  });

  it('with 503 while its event loop is late for long, and says when to come back', async () => {
    const clock = new ManualClock(Date.now());
    await start({ clock });
    const second = (lateMs: number): void => {
      clock.jump(lateMs + 20);
      clock.advance(980 - lateMs);
    };
    for (let count = 0; count < 4; count += 1) second(220);
    expect((await scene.ask({ sub: 'a' })).response.status).toBe(101);
    second(220);
    const { response } = await scene.ask({ sub: 'a' });
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(JSON.parse(response.body)).toMatchObject({ code: 'retry_later' });
    second(0);
    expect((await scene.ask({ sub: 'a' })).response.status).toBe(101);
  });

  it('with 503 when the server node is full', async () => {
    await start({ native: { capacity: 1 } });
    await scene.join({ sub: 'a' });
    expect(await hitsOf('capacity')).toBe(0);
    expect((await scene.ask({ sub: 'b' })).response.status).toBe(503);
    expect(await hitsOf('capacity')).toBe(1);
  });

  it('with 503 when there are too many handshakes a second', async () => {
    await start({ clock: new ManualClock(Date.now()), native: { handshakesPerSecond: 1 } });
    const answers = [await scene.ask({ sub: 'a' }), await scene.ask({ sub: 'b' })];
    expect(answers.map(({ response }) => response.status)).toEqual([101, 503]);
    expect(await hitsOf('handshakes')).toBe(1);
  });

  it('with 503 while too many handshakes are under way, and not any more when one of them is done', async () => {
    await start({ clock: new ManualClock(Date.now()), native: { handshakesPending: 1 } });
    let decide!: () => void;
    const decided = new Promise<undefined>((resolve) => void (decide = () => resolve(undefined)));
    scene.server.get(ConnectionHooks).beforeAccept(() => decided);
    const first = scene.ask({ sub: 'a' });
    await eventually(() => scene.server.get(Admission).held.pending === 1);
    const { response } = await scene.ask({ sub: 'b' });
    expect(response.status).toBe(503);
    expect(JSON.parse(response.body)).toMatchObject({ code: 'retry_later', detail: 'too many handshakes' });
    expect(response.headers.has('retry-after')).toBe(true);
    expect(await hitsOf('handshakes')).toBe(1);
    decide();
    expect((await first).response.status).toBe(101);
    expect((await scene.ask({ sub: 'b' })).response.status).toBe(101);
    expect(await hitsOf('handshakes')).toBe(1);
  });

  it('with 503 when it takes too long to find out who asks', async () => {
    const clock = new ManualClock(Date.now());
    await start({ clock, native: { unauthenticatedTimeoutMs: 500 } });
    scene.server.get(ConnectionHooks).beforeAccept(() => new Promise<undefined>(() => {}));
    const asked = scene.ask({ sub: 'a' });
    await eventually(() => scene.server.get(Admission).held.pending === 1);
    expect(await hitsOf('unauthenticated')).toBe(0);
    clock.advance(500);
    const { response } = await asked;
    expect(response.status).toBe(503);
    expect(JSON.parse(response.body)).toMatchObject({ code: 'retry_later', detail: 'not authenticated in time' });
    expect(response.headers.has('retry-after')).toBe(true);
    expect(await hitsOf('unauthenticated')).toBe(1);
    expect(scene.server.get(Admission).held.pending).toBe(0);
  });

  it('with 429 when one address has too many connections, and not any more when one of them went', async () => {
    await start({ native: { perAddress: 1 } });
    const { socket } = await scene.join({ sub: 'a' });
    const { response } = await scene.ask({ sub: 'b' });
    expect(response.status).toBe(429);
    expect(response.headers.has('retry-after')).toBe(true);
    expect(JSON.parse(response.body)).toMatchObject({ code: 'too_many_connections' });
    expect(await hitsOf('connections_per_address')).toBe(1);
    socket.destroy();
    await eventually(() => scene.server.get(Admission).held.sockets === 0);
    expect((await scene.ask({ sub: 'b' })).response.status).toBe(101);
  });
});

describe('a refused handshake', () => {
  it('does not use up the validation key', async () => {
    await start();
    const target = `/connect?validation_key=${await validationKey()}`;
    expect((await upgrade(target, { origin: 'https://evil.example' })).status).toBe(403);
    expect((await upgrade(`${target}&epoch=e`)).status).toBe(400);
    expect((await upgrade(target)).status).toBe(101);
  });

  it('gives its place back and is counted', async () => {
    await start();
    for (let round = 0; round < 3; round += 1) await upgrade('/connect');
    const admission = scene.server.get(Admission);
    await eventually(() => admission.held.sockets === 0);
    expect(admission.held).toEqual({ sockets: 0, addresses: 0, pending: 0 });
    expect(await scene.server.get(Metrics).text()).toContain('allspark_handshakes_total{status="401"} 3');
  });
});

describe('an upgrade for a path without a gateway', () => {
  it('is left to another listener of the server when there is one', async () => {
    await start({ prepare: listenAtOther });
    expect((await upgrade('/other')).status).toBe(418);
    expect((await scene.ask({ sub: 'a' })).response.status).toBe(101);
  });
});
