import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { signAuthKey } from '../../src/modules/auth/index.js';
import { ProcessNode } from '../support/process-node.js';
import { type HttpResponse, RawSocket } from '../support/raw-socket.js';
import { Program } from '../support/server-process.js';

const RSA = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ED = generateKeyPairSync('ed25519');
/** A verification waits 3 s for the address; the rest is for a busy machine. */
const AT_MOST_MS = 5_000;

const jwk = (key: KeyObject, kid: string, alg: string): object => ({ ...key.export({ format: 'jwk' }), kid, alg });
const setOf = (...keys: object[]): string => JSON.stringify({ keys });
const signed = (kid: string, alg: 'ES256' | 'EdDSA' | 'RS256', privateKey: KeyObject): Promise<string> =>
  signAuthKey({ sub: 'bob', kid, alg, privateKey });

let addresses: Server;
let answer: RequestListener;
beforeAll(async () => {
  addresses = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => addresses.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  addresses.closeAllConnections();
  await new Promise((resolve) => addresses.close(resolve));
});
const uri = (): string => `http://127.0.0.1:${(addresses.address() as AddressInfo).port}/keys`;

async function upgraded({ url }: { url: string }, key: string): Promise<HttpResponse> {
  const headers = { authorization: `Bearer ${key}` };
  const { socket, response } = await RawSocket.upgrade(Number(new URL(url).port), '/connect', headers);
  socket.destroy();
  return response;
}

async function called({ url }: { url: string }, key: string): Promise<number> {
  return (await fetch(`${url}/v1/inbox`, { headers: { authorization: `Bearer ${key}` } })).status;
}

const html: RequestListener = (_request, response) =>
  response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>sign in</body></html>');
const round: RequestListener = (request, response) =>
  response.writeHead(302, { location: request.url === '/keys' ? '/other' : '/keys' }).end();
const huge: RequestListener = (_request, response) => response.end(`{"keys":[${' '.repeat(4_000_000)}]}`);
const drip: RequestListener = (_request, response) => {
  response.write('{"keys":[');
  const timer = setInterval(() => response.write(' '), 1_000);
  response.once('close', () => clearInterval(timer));
};
const liar: RequestListener = (_request, response) =>
  response.end(
    JSON.stringify({
      keys: [{ kty: 'oct', kid: 'rsa', alg: 'HS256', k: 'AAAA' }, { kid: 'rsa', alg: 'none', kty: 'RSA' }, null],
    }),
  );

describe('while the address of the keys misbehaves', () => {
  let server: ProcessNode;
  afterEach(() => server.remove());

  it.each<[string, RequestListener]>([
    ['is silent', () => {}],
    ['cuts', (request) => request.socket.destroy()],
    ['drips', drip],
    ['answers a page', html],
    ['answers without end', huge],
    ['sends round in a circle', round],
    ['names keys that are none', liar],
  ])(
    'and %s, its tokens are refused in time, those of other keys are not held up, the server lives',
    async (_title, way) => {
      answer = way;
      server = await ProcessNode.start({ AUTH_JWKS_URI: uri(), AUTH_FAILURES_PER_SECOND: '0' });
      const began = Date.now();
      const bad = await signed('rsa', 'RS256', RSA.privateKey);
      const refused = Promise.all([called(server, bad), upgraded(server, bad).then(({ status }) => status)]);
      const mine = await server.key('alice');
      expect([await called(server, mine), (await upgraded(server, mine)).status]).toEqual([200, 101]);
      expect(await refused).toEqual([401, 401]);
      expect(Date.now() - began).toBeLessThan(AT_MOST_MS + 3_000);
      expect(await called(server, mine)).toBe(200);
    },
  );
});

describe('two keys at once', () => {
  const set = setOf(jwk(EC.publicKey, 'old', 'ES256'), jwk(ED.publicKey, 'new', 'EdDSA'));
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'allspark-keys-'));
    await writeFile(join(folder, 'keys.json'), set);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([
    ['a file', () => ({ AUTH_KEYS_FILE: join(folder, 'keys.json') })],
    ['an address', () => ({ AUTH_JWKS_URI: uri() })],
  ])('by %s: tokens of both open everything, an unknown kid nothing', async (_title, settings) => {
    answer = (_request, response) => response.end(set);
    const server = await ProcessNode.start(settings());
    const tokens = [
      await signed('old', 'ES256', EC.privateKey),
      await signed('new', 'EdDSA', ED.privateKey),
      await signed('third', 'EdDSA', ED.privateKey),
      await signed('old', 'EdDSA', ED.privateKey),
    ];
    const statuses: number[][] = [];
    for (const token of tokens) statuses.push([await called(server, token), (await upgraded(server, token)).status]);
    await server.remove();
    expect(statuses).toEqual([
      [200, 101],
      [200, 101],
      [401, 401],
      [401, 401],
    ]);
  });
});

describe('a file of keys that is written anew while the server runs', () => {
  const [old, next] = [jwk(EC.publicKey, 'old', 'ES256'), jwk(ED.publicKey, 'new', 'EdDSA')];

  it('is taken: a key that is gone opens nothing more, what it opened goes on, and a broken file changes nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'allspark-keys-'));
    const file = join(folder, 'keys.json');
    await writeFile(file, setOf(old));
    const env = { AUTH_KEYS_FILE: file, DATA_DIR: join(folder, 'data'), PORT: '0' };
    const program = new Program(['start'], { env });
    const url = (await program.line(/^ready /)).replace('ready ', '');
    const [byOld, byNew] = [await signed('old', 'ES256', EC.privateKey), await signed('new', 'EdDSA', ED.privateKey)];
    const statuses = async (): Promise<number[]> => [await called({ url }, byOld), await called({ url }, byNew)];
    const headers = { authorization: `Bearer ${byOld}` };
    const { socket } = await RawSocket.upgrade(Number(new URL(url).port), '/connect', headers);
    await socket.nextJson();
    expect(await statuses()).toEqual([200, 401]);

    await writeFile(file, setOf(old, next).slice(0, -20));
    const warning = await program.news(/the old one stays/);
    expect(warning).not.toContain(String(EC.publicKey.export({ format: 'jwk' }).x));
    expect(await statuses()).toEqual([200, 401]);

    await writeFile(file, setOf(next));
    await program.news(/a new key set is in use: new/);
    expect(await statuses()).toEqual([401, 200]);
    await socket.json({ type: -120, id: 'still' });
    expect(await socket.nextJson()).toEqual({ type: -121, id: 'still' });
    socket.destroy();
    await program.kill();
    await rm(folder, { recursive: true });
  });
});
