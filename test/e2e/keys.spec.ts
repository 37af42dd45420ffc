import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type HttpResponse, RawSocket } from '../support/raw-socket.js';
import { Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

const SECRET = 'the secret of this file, longer than thirty-two bytes';
const now = Math.floor(Date.now() / 1_000);
const GOOD = { sub: 'bob', aud: 'allspark', iat: now, exp: now + 600 };

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ AUTH_SECRET: SECRET, AUTH_FAILURES_PER_SECOND: '0' });
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function jwt(claims: object, header: object = { alg: 'HS256' }, secret = SECRET): string {
  const signed = `${part(header)}.${part(claims)}`;
  const hash = (header as { alg: string }).alg === 'HS512' ? 'sha512' : 'sha256';
  return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`;
}

async function upgrade(target: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpResponse> {
  const { socket, response } = await RawSocket.upgrade(Number(new URL(server.url).port), target, headers);
  socket.destroy();
  return response;
}

async function validationKey(nodeId: string): Promise<string> {
  const authorization = `Bearer ${jwt({ ...GOOD, sub: nodeId })}`;
  const made = await fetch(`${server.url}/v1/pre-connections`, { method: 'POST', headers: { authorization } });
  expect(made.status).toBe(201);
  return ((await made.json()) as { validation_key: string }).validation_key;
}

/** What is the same in every refusal: all but the request id, in the body and in the header. */
function alike({ status, headers, body }: HttpResponse): unknown {
  const text = body.replace(/"request_id":"[^"]+"/, '"request_id":"…"');
  return { status, text, challenge: headers.get('www-authenticate'), type: headers.get('content-type') };
}

const BAD_KEYS: ReadonlyArray<readonly [string, () => string]> = [
  ['another signature', () => jwt(GOOD, { alg: 'HS256' }, 'another secret, also longer than thirty-two bytes')],
  ['alg none', () => `${part({ alg: 'none' })}.${part(GOOD)}.`],
  ['alg HS512', () => jwt(GOOD, { alg: 'HS512' })],
  ['alg RS256 over the secret', () => jwt(GOOD, { alg: 'RS256' })],
  ['an unknown kid', () => jwt(GOOD, { alg: 'HS256', kid: 'nobody' })],
  ['expired', () => jwt({ ...GOOD, iat: now - 7_200, exp: now - 3_600 })],
  ['no exp', () => jwt({ ...GOOD, exp: undefined })],
  ['no iat', () => jwt({ ...GOOD, iat: undefined })],
  ['no sub', () => jwt({ ...GOOD, sub: undefined })],
  ['no aud', () => jwt({ ...GOOD, aud: undefined })],
  ['another aud', () => jwt({ ...GOOD, aud: 'somebody-else' })],
  ['a life of more than a day', () => jwt({ ...GOOD, exp: now + 90_000 })],
  ['iat ahead', () => jwt({ ...GOOD, iat: now + 300, exp: now + 600 })],
  ['nbf ahead', () => jwt({ ...GOOD, nbf: now + 300 })],
  ['an unknown role', () => jwt({ ...GOOD, role: 'root' })],
  ['a sub that is no id', () => jwt({ ...GOOD, sub: '~alias' })],
  ['truncated', () => jwt(GOOD).slice(0, -5)],
  ['10 KiB of nonsense', () => 'x'.repeat(10 * 1024)],
  ['a validation key', () => 'AAAAAAAAAAAAAAAAAAAAAA'],
];

describe('a refused key says nothing of why', () => {
  it('the websocket answers every bad key alike', async () => {
    const answers = new Map<string, unknown>();
    for (const [name, key] of BAD_KEYS) {
      answers.set(name, alike(await upgrade('/connect', { authorization: `Bearer ${key()}` })));
    }
    answers.set('none', alike(await upgrade('/connect')));
    answers.set('basic', alike(await upgrade('/connect', { authorization: 'Basic Ym9iOmJvYg==' })));
    answers.set('an unknown validation key', alike(await upgrade(`/connect?validation_key=${'A'.repeat(22)}`)));
    answers.set('an auth key as one', alike(await upgrade(`/connect?validation_key=${jwt(GOOD)}`)));
    const used = await validationKey('bob');
    expect(await upgrade(`/connect?validation_key=${used}`)).toMatchObject({ status: 101 });
    answers.set('a used one', alike(await upgrade(`/connect?validation_key=${used}`)));

    const expected = answers.get('another signature');
    expect(expected).toMatchObject({ status: 401, challenge: 'Bearer' });
    expect((expected as { type: string }).type).toMatch(/^application\/problem\+json/);
    for (const [name, answer] of answers) expect([name, answer]).toEqual([name, expected]);
  });

  it('HTTP answers every bad key alike, and in the same words', async () => {
    const socket = alike(await upgrade('/connect')) as { text: string };
    for (const [name, key] of BAD_KEYS) {
      const response = await fetch(`${server.url}/v1/inbox`, { headers: { authorization: `Bearer ${key()}` } });
      const text = (await response.text()).replace(/"request_id":"[^"]+"/, '"request_id":"…"');
      expect([name, response.status, JSON.parse(text)]).toEqual([name, 401, JSON.parse(socket.text)]);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
    }
  });
});

describe('a validation key', () => {
  it('opens exactly one of a hundred websockets at once', async () => {
    const key = await validationKey('carol');
    const attempts = Array.from({ length: 100 }, () => upgrade(`/connect?validation_key=${key}`));
    const statuses = (await Promise.all(attempts)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 101)).toHaveLength(1);
    expect(statuses.filter((status) => status === 401)).toHaveLength(99);
  });

  it('is bound to the node whose key made it', async () => {
    const dave = await Talker.open(server, 'dave', {
      address: `${server.socketUrl}/connect?validation_key=${await validationKey('dave')}`,
    });
    expect(dave.hello).toMatchObject({ node_id: 'dave' });
  });

  it('is not used up by a handshake that was refused for something else', async () => {
    const key = await validationKey('erin');
    const target = `/connect?validation_key=${key}`;
    expect(await upgrade(target, { origin: 'https://evil.example' })).toMatchObject({ status: 403 });
    expect(await upgrade(target, { 'sec-websocket-version': '12' })).toMatchObject({ status: 426 });
    expect(await upgrade(`${target}&colour=1`)).toMatchObject({ status: 400 });
    expect(await upgrade(target)).toMatchObject({ status: 101 });
  });

  it('opens nothing when its time is over', async () => {
    const hasty = await TestServer.start({ VALIDATION_KEY_MS: '1' });
    const made = (await hasty.json('grace', '/v1/pre-connections', {})) as { url: string; expires_in: number };
    expect(made.expires_in).toBe(0);
    const { port, pathname, search } = new URL(made.url);
    const { socket, response } = await RawSocket.upgrade(Number(port), pathname + search);
    socket.destroy();
    expect(response.status).toBe(401);
    await hasty.stop();
  });

  it('opens nothing at another server node', async () => {
    const other = await TestServer.start({ AUTH_SECRET: SECRET });
    const key = await validationKey('frank');
    const { port } = new URL(other.url);
    const { socket, response } = await RawSocket.upgrade(Number(port), `/connect?validation_key=${key}`);
    socket.destroy();
    expect(response.status).toBe(401);
    await other.stop();
  });
});

it('with AUTH_DIRECT off only a pre-connection opens a websocket', async () => {
  const strict = await TestServer.start({ AUTH_DIRECT: 'off' });
  const { port } = new URL(strict.url);
  const headers = { authorization: `Bearer ${await strict.key('bob')}` };
  const { socket, response } = await RawSocket.upgrade(Number(port), '/connect', headers);
  socket.destroy();
  expect(response.status).toBe(401);
  const { url } = (await strict.json('bob', '/v1/pre-connections', {})) as { url: string };
  await Talker.open(strict, 'bob', { address: url });
  await strict.stop();
});
