import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { AuthKeyVerifier } from './auth-key-verifier.js';
import { AuthSettings } from './auth.settings.js';
import { KeyRing } from './key-ring.js';
import { NothingRevoked } from './revoked-keys.js';
import { signAuthKey } from './make-key.js';
import type { RemoteKeySetTimes } from './remote-key-set.js';

const RSA = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ED = generateKeyPairSync('ed25519');

let server: Server;
let uri: string;
let asked: number;
let answer: RequestListener;
let clock: ManualClock;

const jwk = (key: KeyObject, more: object): object => ({ ...key.export({ format: 'jwk' }), ...more });
const down: RequestListener = (request) => request.socket.destroy();
const drip: RequestListener = (_request, response) => {
  response.write('{"keys":[');
  const dripping = setInterval(() => response.write(' '), 20);
  response.once('close', () => clearInterval(dripping));
};
const GOOD_SET = JSON.stringify({ keys: [jwk(RSA.publicKey, { kid: 'rsa' })] });
const publish = (...keys: unknown[]): void => {
  answer = (_request, response) => response.end(JSON.stringify({ keys }));
};
const verifier = (times?: Partial<RemoteKeySetTimes>): AuthKeyVerifier => {
  const settings = new AuthSettings({ jwksUri: uri });
  return new AuthKeyVerifier(KeyRing.of(settings, clock, times), settings, clock, new NothingRevoked());
};
const token = (kid: string | undefined, alg: 'RS256' | 'ES256' | 'EdDSA', privateKey: KeyObject): Promise<string> =>
  signAuthKey({ sub: 'phone', issuedAt: clock.now() / 1_000, alg, privateKey, kid });
const byRsa = (): Promise<string> => token('rsa', 'RS256', RSA.privateKey);
const isRefused = async (judge: AuthKeyVerifier, key: string): Promise<void> =>
  expect(judge.verify(key)).rejects.toMatchObject({ code: 'unauthorized' });

beforeEach(async () => {
  asked = 0;
  clock = new ManualClock();
  server = createServer((request, response) => {
    asked += 1;
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe('a JWK Set by address', () => {
  it.each([
    ['RS256', RSA],
    ['ES256', EC],
    ['EdDSA', ED],
  ] as const)('verifies %s, with alg and without', async (alg, pair) => {
    publish(jwk(pair.publicKey, { kid: 'with', alg }), jwk(pair.publicKey, { kid: 'without' }));
    const judge = verifier();
    expect(await judge.verify(await token('with', alg, pair.privateKey))).toMatchObject({ kid: 'with' });
    expect(await judge.verify(await token('without', alg, pair.privateKey))).toMatchObject({ kid: 'without' });
    expect(asked).toBe(1);
  });

  it('is asked once for many verifications at the same time', async () => {
    publish(jwk(RSA.publicKey, { kid: 'rsa' }));
    const judge = verifier();
    const key = await byRsa();
    await Promise.all(Array.from({ length: 50 }, () => judge.verify(key)));
    expect(asked).toBe(1);
  });

  it('is asked again for a new kid, and then the old one ends', async () => {
    publish(jwk(EC.publicKey, { kid: 'old' }));
    const judge = verifier({ cooldownMs: 0 });
    const old = await token('old', 'ES256', EC.privateKey);
    await judge.verify(old);
    publish(jwk(ED.publicKey, { kid: 'new' }));
    expect(await judge.verify(await token('new', 'EdDSA', ED.privateKey))).toMatchObject({ kid: 'new' });
    await isRefused(judge, old);
  });

  it('is not asked again for each unknown kid', async () => {
    publish(jwk(RSA.publicKey, { kid: 'rsa' }));
    const judge = verifier();
    await judge.verify(await byRsa());
    for (let turn = 0; turn < 20; turn += 1) await isRefused(judge, await token(`x${turn}`, 'RS256', RSA.privateKey));
    expect(asked).toBe(1);
  });

  it('has no key for a token without kid', async () => {
    publish(jwk(RSA.publicKey, { kid: 'rsa' }));
    await isRefused(verifier(), await token(undefined, 'RS256', RSA.privateKey));
  });
});

describe('an address that lies', () => {
  it.each<[string, () => unknown[]]>([
    ['another alg', () => [jwk(RSA.publicKey, { kid: 'rsa', alg: 'RS512' })]],
    ['an alg of another kind', () => [jwk(RSA.publicKey, { kid: 'rsa', alg: 'HS256' })]],
    ['another key', () => [jwk(EC.publicKey, { kid: 'rsa' })]],
    ['a key for encryption', () => [jwk(RSA.publicKey, { kid: 'rsa', use: 'enc' })]],
    ['a private key', () => [jwk(RSA.privateKey, { kid: 'rsa' })]],
    ['two keys of one kid', () => [jwk(RSA.publicKey, { kid: 'rsa' }), jwk(RSA.publicKey, { kid: 'rsa' })]],
    ['two kinds of one kid', () => [jwk(RSA.publicKey, { kid: 'rsa' }), jwk(EC.publicKey, { kid: 'rsa' })]],
    ['no kid', () => [jwk(RSA.publicKey, {})]],
    ['things that are no keys', () => [null, 1, 'x', [], {}]],
  ])('by %s opens nothing', async (_title, keys) => {
    publish(...keys());
    await isRefused(verifier(), await byRsa());
    expect(asked).toBeGreaterThan(0);
  });

  it('by an HMAC key opens nothing', async () => {
    const secret = 'a secret that everybody can read there';
    publish({ kty: 'oct', kid: 'mac', alg: 'HS256', k: Buffer.from(secret).toString('base64url') });
    const key = await signAuthKey({ sub: 'phone', issuedAt: clock.now() / 1_000, alg: 'HS256', secret, kid: 'mac' });
    await isRefused(verifier(), key);
  });

  it('in one key does not spoil the others', async () => {
    publish(null, jwk(EC.publicKey, { kid: 'bad', alg: 'RS256' }), jwk(RSA.publicKey, { kid: 'rsa' }));
    expect(await verifier().verify(await byRsa())).toMatchObject({ kid: 'rsa' });
  });

  it.each<[string, RequestListener]>([
    ['no JSON', (_request, response) => response.end('<html>')],
    ['JSON null', (_request, response) => response.end('null')],
    ['an error', (_request, response) => response.writeHead(500).end(GOOD_SET)],
    ['a redirect', (_request, response) => response.writeHead(302, { location: '/other' }).end(GOOD_SET)],
    ['a cut', down],
    ['300 KiB', (_request, response) => response.end(`${GOOD_SET}${' '.repeat(300_000)}`)],
  ])('or answers with %s refuses like any bad key', async (_title, misbehave) => {
    answer = misbehave;
    await isRefused(verifier({ timeoutMs: 15_000 }), await byRsa());
    expect(asked).toBe(1);
  });
});

describe('an address that is slow', () => {
  it('holds up nobody whose key is known while the set is fetched anew', async () => {
    publish(jwk(RSA.publicKey, { kid: 'rsa' }));
    const judge = verifier({ maxAgeMs: 0, timeoutMs: 60_000 });
    await judge.verify(await byRsa());
    answer = () => {};
    for (let turn = 0; turn < 20; turn += 1) expect(await judge.verify(await byRsa())).toMatchObject({ kid: 'rsa' });
    expect(asked).toBeLessThanOrEqual(2);
  });

  it.each<[string, RequestListener]>([
    ['says nothing', () => {}],
    ['does not end', (_request, response) => void response.write(GOOD_SET)],
    ['drips on', drip],
  ])('and %s is waited for no longer than its time, and then counts as down', async (_title, dawdle) => {
    answer = dawdle;
    // Long enough that it is asked before, however little time this process is given.
    const judge = verifier({ timeoutMs: 1_000 });
    await isRefused(judge, await byRsa());
    await isRefused(judge, await byRsa());
    expect(asked).toBe(1);
  });
});

describe('an address that is down', () => {
  it('is not asked by every token, and is found again', async () => {
    answer = down;
    const judge = verifier();
    for (let turn = 0; turn < 20; turn += 1) await isRefused(judge, await byRsa());
    expect(asked).toBe(1);
    publish(jwk(RSA.publicKey, { kid: 'rsa' }));
    clock.advance(2_000);
    expect(await judge.verify(await byRsa())).toMatchObject({ kid: 'rsa' });
  });

  it('leaves the last good set in force, for a while', async () => {
    publish(jwk(RSA.publicKey, { kid: 'rsa' }));
    const judge = verifier({ maxAgeMs: 0 });
    await judge.verify(await byRsa());
    answer = down;
    clock.advance(3_600_000);
    expect(await judge.verify(await byRsa())).toMatchObject({ kid: 'rsa' });
    clock.advance(2_000);
    await isRefused(judge, await byRsa());
  });
});
