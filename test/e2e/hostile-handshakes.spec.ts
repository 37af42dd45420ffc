import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Admission, NativeConnections } from '../../src/gateways/native/index.js';
import { ConnectionsService } from '../../src/modules/connections/index.js';
import { clientFrame, type HttpResponse, OPCODE, RawSocket, upgradeRequest } from '../support/raw-socket.js';
import { TestServer } from '../support/test-server.js';

const KIB = 1024;
const ABANDONED = 50;
const processErrors: unknown[] = [];
const note = (error: unknown): void => void processErrors.push(error);

let server: TestServer;
/** Waits for nobody. What is to be answered is asked of the other: on a busy machine it would come too late here. */
let hasty: TestServer;
let jwt: string;

beforeAll(async () => {
  process.on('unhandledRejection', note);
  process.on('uncaughtExceptionMonitor', note);
  const settings = { HANDSHAKES_PER_SECOND: '0', CONNECTIONS_PER_NODE: '0' };
  server = await TestServer.start(settings);
  hasty = await TestServer.start({ ...settings, HEADERS_TIMEOUT_MS: '100' });
  jwt = await server.key('stranger');
});

afterAll(async () => {
  await hasty.stop();
  await server.stop();
  process.off('unhandledRejection', note);
  process.off('uncaughtExceptionMonitor', note);
});

function port(at = server): number {
  return Number(new URL(at.url).port);
}

type Headers = Readonly<Record<string, string | null>>;

/** A handshake that would succeed, but for what is given. */
function handshake(target: string, headers: Headers = {}): string {
  return upgradeRequest(target, { authorization: `Bearer ${jwt}`, ...headers });
}

/** Sends the bytes; `undefined` when the connection is closed without an answer. */
async function responseTo(bytes: string | Buffer, at = server): Promise<HttpResponse | undefined> {
  const socket = await RawSocket.open(port(at));
  await socket.write(bytes);
  const response = await socket.response().catch(() => undefined);
  // A refused handshake is over, the server ends it; an upgrade is not.
  if (response?.status !== 101) await socket.ended();
  socket.destroy();
  return response;
}

function expectProblem(response: HttpResponse | undefined, status: number, code: string): void {
  expect(response?.status).toBe(status);
  expect(response?.headers.get('content-type')).toMatch(/^application\/problem\+json\b/);
  const problem = JSON.parse(response?.body ?? '') as Record<string, unknown>;
  expect(problem).toMatchObject({
    type: `urn:allspark:problem:${code}`,
    status,
    code,
  });
  for (const name of ['title', 'detail', 'request_id']) expect(problem[name]).toEqual(expect.stringMatching(/./));
  expect(JSON.stringify([...(response?.headers ?? []), problem])).not.toContain(jwt.slice(0, 20));
}

/** Other headers before those of the handshake. */
function withLines(lines: string): string {
  return handshake('/connect').replace('\r\n', `\r\n${lines}`);
}

describe('a hostile handshake gets a problem document', () => {
  const many = Array.from({ length: 100 }, (_none, index) => `p${index}`).join();
  const key = 'dGhlIHNhbXBsZSBub25jZQ==';

  it.each<[string, () => string, number, string]>([
    ['2,000 short headers', () => withLines('a:b\r\n'.repeat(2_000)), 400, 'bad_handshake'],
    ['101 headers', () => withLines('a: b\r\n'.repeat(95)), 400, 'bad_handshake'],
    ['100 subprotocols', () => handshake('/connect', { 'sec-websocket-protocol': many }), 400, 'bad_handshake'],
    ['a subprotocol twice', () => handshake('/connect', { 'sec-websocket-protocol': 'a, a' }), 400, 'bad_handshake'],
    ['an empty subprotocol', () => handshake('/connect', { 'sec-websocket-protocol': 'a,,b' }), 400, 'bad_handshake'],
    ['an Origin of 10 KiB', () => handshake('/connect', { origin: 'o'.repeat(10 * KIB) }), 403, 'origin_refused'],
    ['the Origin null', () => handshake('/connect', { origin: 'null' }), 403, 'origin_refused'],
    ['two Origins', () => withLines(`origin: ${server.url}\r\norigin: ${server.url}\r\n`), 400, 'bad_handshake'],
    [
      'a key of 10 KiB',
      () =>
        handshake('/connect', {
          authorization: `Bearer ${'a'.repeat(10 * KIB)}`,
        }),
      401,
      'unauthorized',
    ],
    ['a key of another scheme', () => handshake('/connect', { authorization: `Basic ${jwt}` }), 401, 'unauthorized'],
    ['no key at all', () => handshake('/connect', { authorization: null }), 401, 'unauthorized'],
    ['two keys', () => withLines(`authorization: Bearer ${jwt}\r\n`), 400, 'bad_handshake'],
    ['no Sec-WebSocket-Key', () => handshake('/connect', { 'sec-websocket-key': null }), 400, 'bad_handshake'],
    [
      'a Sec-WebSocket-Key too short',
      () => handshake('/connect', { 'sec-websocket-key': 'YQ==' }),
      400,
      'bad_handshake',
    ],
    [
      'a Sec-WebSocket-Key too long',
      () => handshake('/connect', { 'sec-websocket-key': `a${key}` }),
      400,
      'bad_handshake',
    ],
    [
      'a Sec-WebSocket-Key of other signs',
      () => handshake('/connect', { 'sec-websocket-key': key.replace('d', '*') }),
      400,
      'bad_handshake',
    ],
    ['two Sec-WebSocket-Keys', () => withLines(`sec-websocket-key: ${key}\r\n`), 400, 'bad_handshake'],
    ['another upgrade', () => handshake('/connect', { upgrade: 'h2c' }), 400, 'bad_handshake'],
    ['two upgrades', () => handshake('/connect', { upgrade: 'websocket, h2c' }), 400, 'bad_handshake'],
    ['HTTP/1.0', () => handshake('/connect').replace('HTTP/1.1', 'HTTP/1.0'), 400, 'bad_handshake'],
    ['no Host', () => handshake('/connect', { host: null }), 400, 'bad_handshake'],
    ['two Hosts', () => withLines('host: evil.example\r\n'), 400, 'bad_handshake'],
    ['a body', () => `${handshake('/connect', { 'content-length': '5' })}hello`, 400, 'bad_handshake'],
    [
      'a body in chunks',
      () => `${handshake('/connect', { 'transfer-encoding': 'chunked' })}1\r\na\r\n0\r\n\r\n`,
      400,
      'bad_handshake',
    ],
    ['a POST', () => handshake('/connect').replace('GET', 'POST'), 400, 'bad_handshake'],
    ['an OPTIONS', () => handshake('/connect').replace('GET', 'OPTIONS'), 400, 'bad_handshake'],
  ])('for %s', async (_what, request, status, code) => {
    expectProblem(await responseTo(request()), status, code);
  });

  it.each(['12', '8', '0', '', '13, 12', '013', 'thirteen'])(
    'that names version 13, for version "%s"',
    async (version) => {
      const response = await responseTo(handshake('/connect', { 'sec-websocket-version': version }));
      expectProblem(response, 426, 'upgrade_required');
      expect(response?.headers.get('sec-websocket-version')).toBe('13');
      expect(response?.headers.get('upgrade')).toBe('websocket');
    },
  );

  it.each([
    'http://localhost/connect',
    'https://evil.example/connect',
    '//connect',
    '//evil.example/connect',
    '/connect/',
    '/connect/../connect',
    '/./connect',
    '/%63onnect',
    '/connect%00',
    '/CONNECT',
    '/connect;a=b',
    '/connect#a',
    '/',
    '*',
    '/v1/inbox',
    '/livez',
    `/${'a'.repeat(10 * KIB)}`,
  ])('for the target %s', async (target) => {
    expectProblem(await responseTo(handshake(target)), 404, 'not_found');
  });

  it.each([
    ['an auth key under a name of its own', () => `?access_token=${jwt}`],
    ['an auth key as token', () => `?token=${jwt}`],
    ['a header and a validation key', () => '?validation_key=k'],
    ['a validation key twice', () => '?validation_key=k&validation_key=k'],
    ['a parameter twice, once escaped', () => '?epoch=e&%65poch=e&last_seq=0'],
    ['an epoch alone', () => '?epoch=e'],
    ['a last_seq alone', () => '?last_seq=0'],
    ['an epoch that is none', () => '?epoch=%00&last_seq=0'],
    ['an empty parameter name', () => '?=1'],
    ['__proto__', () => '?__proto__=1'],
    ['parameters in brackets', () => '?epoch[]=e&last_seq[$gt]=0'],
    ['a thousand parameters', () => `?${'a&'.repeat(1_000)}`],
    ...['-1', '1e3', '0x1', '1.5', '99999999999999999', '9007199254740992', '', ' 1', 'NaN'].map(
      (seq): [string, () => string] => [`last_seq "${seq}"`, () => `?epoch=e&last_seq=${encodeURIComponent(seq)}`],
    ),
  ])('for a query with %s', async (_what, query) => {
    expectProblem(await responseTo(handshake(`/connect${query()}`)), 400, 'bad_handshake');
  });

  it('for an auth key in the place of a validation key', async () => {
    const request = handshake(`/connect?validation_key=${jwt}`, {
      authorization: null,
    });
    expectProblem(await responseTo(request), 401, 'unauthorized');
  });

  it('for a connect without an upgrade', async () => {
    const plain = handshake('/connect', { connection: 'close', upgrade: null });
    expectProblem(await responseTo(plain), 426, 'upgrade_required');
  });
});

describe('what is no HTTP is closed, with a status of 400 or more where there is one', () => {
  it.each<[string, () => string | Buffer]>([
    ['a header of 17 KiB', () => handshake('/connect', { 'x-long': 'a'.repeat(17 * KIB) })],
    ['2,000 headers above 16 KiB', () => withLines('x-header: b\r\n'.repeat(2_000))],
    ['a target of 17 KiB', () => handshake(`/${'a'.repeat(17 * KIB)}`)],
    ['a header of 1 MiB without an end', () => `GET /connect HTTP/1.1\r\nx: ${'a'.repeat(KIB * KIB)}`],
    ['a NUL in a header', () => handshake('/connect', { 'x-nul': 'a\u0000b' })],
    ['a header without a colon', () => withLines('no colon\r\n')],
    ['a folded header', () => withLines(' folded: a\r\n')],
    ['a space before a colon', () => withLines('x-space : a\r\n')],
    [
      'a call without a Host',
      () =>
        handshake('/connect', {
          host: null,
          connection: 'close',
          upgrade: null,
        }),
    ],
    ['two lengths', () => withLines('content-length: 1\r\ncontent-length: 2\r\n')],
    ['a length and chunks', () => withLines('content-length: 1\r\ntransfer-encoding: chunked\r\n')],
    ['a CONNECT', () => handshake('localhost:80').replace('GET', 'CONNECT')],
    ['a method that is none', () => handshake('/connect').replace('GET', 'FETCH')],
    ['a version that is none', () => handshake('/connect').replace('HTTP/1.1', 'HTTP/9.9')],
    ['the preface of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a TLS hello', () => Buffer.from('16030100a5010000a10303', 'hex')],
    ['a websocket frame', () => clientFrame('{"type":-120}')],
    ['NULs only', () => Buffer.alloc(KIB)],
  ])('%s', async (_what, bytes) => {
    const response = await responseTo(bytes());
    if (response) expect(response.status).toBeOneOf([400, 404, 405, 413, 505]);
  });

  it.each([
    ['says nothing at all', ''],
    ['sends line feeds only', '\n'.repeat(20 * KIB)],
    ['stops in the first line', 'GET /conn'],
    ['stops in a header', 'GET /connect HTTP/1.1\r\nhost: local'],
    ['does not end its headers', 'GET /connect HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\n'],
  ])('who %s', async (_what, bytes) => {
    const response = await responseTo(bytes, hasty);
    if (response) expect(response.status).toBe(400);
  });
});

describe('what comes with the handshake', () => {
  it('is answered after hello, in its order', async () => {
    const frames = ['a', 'b', 'c'].map((id) => clientFrame(JSON.stringify({ type: -120, id })));
    const { socket, response } = await open(Buffer.concat(frames));
    expect(response.status).toBe(101);
    expect(await socket.nextJson()).toMatchObject({
      type: -110,
      node_id: 'stranger',
    });
    for (const id of ['a', 'b', 'c']) expect(await socket.nextJson()).toEqual({ type: -121, id });
    socket.destroy();
  });

  it.each<[string, Buffer, number]>([
    ['an unmasked frame', clientFrame('{}', { masked: false }), 1002],
    ['a frame of 64 KiB and one', clientFrame('', { claimed: 64 * KIB + 1 }), 1009],
    ['a binary frame', clientFrame('{}', { opcode: OPCODE.binary }), 1003],
    ['noise', Buffer.from('hello, is anybody there?'), 1002],
  ])('closes the connection by its code if it is %s', async (_what, glued, code) => {
    const { socket, response } = await open(glued);
    expect(response.status).toBe(101);
    expect(await socket.closed()).toMatchObject({ code });
    socket.destroy();
  });

  it('is dropped with a refusal', async () => {
    const { socket, response } = await open(clientFrame('{"type":-120}'), {
      authorization: null,
    });
    expectProblem(response, 401, 'unauthorized');
    expect(await socket.frame()).toBeUndefined();
    socket.destroy();
  });

  it('opens no compression, whatever extension is offered', async () => {
    const { socket, response } = await open(Buffer.alloc(0), {
      'sec-websocket-extensions': 'permessage-deflate; =;;a',
    });
    expect(response.status).toBe(101);
    expect(response.headers.has('sec-websocket-extensions')).toBe(false);
    socket.destroy();
  });
});

function open(glued: Buffer, headers: Headers = {}): ReturnType<typeof RawSocket.upgrade> {
  return RawSocket.upgrade(port(), '/connect', { authorization: `Bearer ${jwt}`, ...headers }, glued);
}

describe('afterwards', () => {
  it(`nothing is left, not even of ${ABANDONED} peers that hung up in the handshake`, async () => {
    for (let count = 0; count < ABANDONED; count += 1) {
      const socket = await RawSocket.open(port());
      await socket.write(handshake('/connect'));
      socket.destroy();
    }
    for (const { app } of [server.running, hasty.running]) {
      const admission = app.get(Admission, { strict: false });
      const connections = app.get(ConnectionsService, { strict: false });
      await until(() => admission.held.sockets === 0 && connections.size === 0);
      expect(admission.held).toEqual({ sockets: 0, addresses: 0, pending: 0 });
      expect(app.get(NativeConnections, { strict: false }).size).toBe(0);
    }
  });

  it('the server works, and nothing reached the process', async () => {
    const client = server.client('stranger');
    await client.connect();
    expect(await client.send({ destId: 'stranger', payload: 1 })).toMatchObject({ status: 'stored' });
    expect(processErrors).toEqual([]);
  });
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise<void>((resolve) => void setImmediate(resolve));
}
