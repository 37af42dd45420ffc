import { createHmac, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT, type JWTPayload } from 'jose';
import { describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { Refusal } from '../../protocol/index.js';
import { AuthKeyVerifier } from './auth-key-verifier.js';
import { AuthSettings, type AuthOptions } from './auth.settings.js';
import { KeyRing } from './key-ring.js';
import { NothingRevoked } from './revoked-keys.js';
import { signAuthKey } from './make-key.js';

const SECRET = 'a secret that is long enough for HS256';
const RSA = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ED = generateKeyPairSync('ed25519');
const DAY = 86_400;

const clock = new ManualClock();
const NOW = clock.now() / 1_000;
const GOOD = { sub: 'phone', aud: 'allspark', iat: NOW, exp: NOW + 600 };

const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();
const verifier = (options: AuthOptions): AuthKeyVerifier => {
  const settings = new AuthSettings(options);
  return new AuthKeyVerifier(KeyRing.of(settings, clock), settings, clock, new NothingRevoked());
};
const sign = (
  claims: JWTPayload,
  header = {},
  key: KeyObject = createSecretKey(Buffer.from(SECRET)),
): Promise<string> => new SignJWT(claims).setProtectedHeader({ alg: 'HS256', ...header }).sign(key);
const without = (claim: keyof typeof GOOD): JWTPayload => ({ ...GOOD, [claim]: undefined });
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
/** A signature right by HMAC, whatever the header says: what a library would refuse to make. */
const forge = (header: object, claims: object, secret: string): string => {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
};
const refusalOf = async (judge: AuthKeyVerifier, token: string): Promise<Refusal> => {
  const outcome = await judge.verify(token).catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(Refusal);
  return outcome as Refusal;
};

describe('a valid auth key', () => {
  it('is read into an identity', async () => {
    const token = await sign({ ...GOOD, client_id: 'ann', role: 'app' });
    expect(await verifier({ secret: SECRET }).verify(token)).toEqual({
      nodeId: 'phone',
      clientId: 'ann',
      role: 'app',
      issuedAt: NOW,
      expiresAt: NOW + 600,
      kid: null,
    });
  });

  it('is of role node and of no client when it does not say so', async () => {
    const identity = await verifier({ secret: SECRET }).verify(await sign(GOOD));
    expect(identity).toMatchObject({ role: 'node', clientId: null });
  });

  it.each([
    ['RS256', RSA],
    ['ES256', EC],
    ['EdDSA', ED],
  ] as const)('is verified with a public key by %s', async (alg, pair) => {
    const token = await sign(GOOD, { alg }, pair.privateKey);
    expect(await verifier({ publicKey: pem(pair.publicKey) }).verify(token)).toMatchObject({ nodeId: 'phone' });
  });

  it.each<[string, JWTPayload]>([
    ['aud is a list that holds allspark', { ...GOOD, aud: ['shop', 'allspark'] }],
    ['it expired less than the leeway ago', { ...GOOD, iat: NOW - 600, exp: NOW - 59 }],
    ['iat and nbf are ahead by the leeway', { ...GOOD, iat: NOW + 60, nbf: NOW + 60 }],
    ['it lives exactly a day', { ...GOOD, exp: NOW + DAY }],
  ])('is accepted when %s', async (_title, claims) => {
    expect(await verifier({ secret: SECRET }).verify(await sign(claims))).toMatchObject({ nodeId: 'phone' });
  });

  it('is accepted when it names the configured issuer', async () => {
    const judge = verifier({ secret: SECRET, issuer: 'shop' });
    expect(await judge.verify(await sign({ ...GOOD, iss: 'shop' }))).toMatchObject({ nodeId: 'phone' });
  });

  it('ends with its time', async () => {
    const passing = new ManualClock();
    const settings = new AuthSettings({ secret: SECRET });
    const judge = new AuthKeyVerifier(KeyRing.of(settings, passing), settings, passing, new NothingRevoked());
    const token = await sign(GOOD);
    passing.advance(659_000);
    expect(await judge.verify(token)).toMatchObject({ nodeId: 'phone' });
    passing.advance(1_000);
    expect((await refusalOf(judge, token)).code).toBe('unauthorized');
  });
});

describe('every other key gets one and the same answer', () => {
  const PUBLIC = pem(RSA.publicKey);
  const claimsCases: Array<[string, JWTPayload]> = [
    ['expired', { ...GOOD, iat: NOW - 600, exp: NOW - 60 }],
    ['iat ahead', { ...GOOD, iat: NOW + 61 }],
    ['nbf ahead', { ...GOOD, nbf: NOW + 61 }],
    ['no exp', without('exp')],
    ['no iat', without('iat')],
    ['no sub', without('sub')],
    ['no aud', without('aud')],
    ['foreign aud', { ...GOOD, aud: 'allspark2' }],
    ['foreign aud list', { ...GOOD, aud: ['a', 'b'] }],
    ['more than a day', { ...GOOD, exp: NOW + DAY + 1 }],
    ['ends before it begins', { ...GOOD, iat: NOW + 30, exp: NOW + 20 }],
    ['bad sub', { ...GOOD, sub: 'a b' }],
    ['sub of the server', { ...GOOD, sub: '~sabc' }],
    ['sub too long', { ...GOOD, sub: 'a'.repeat(129) }],
    ['bad client', { ...GOOD, client_id: 'a/b' }],
    ['client is an object', { ...GOOD, client_id: { $ne: null } }],
    ['foreign role', { ...GOOD, role: 'root' }],
    ['role in capitals', { ...GOOD, role: 'Admin' }],
    ['role is a list', { ...GOOD, role: ['admin'] }],
  ];
  const numbersAsText: Array<[string, object]> = [
    ['exp as text', { ...GOOD, exp: String(GOOD.exp) }],
    ['iat as text', { ...GOOD, iat: String(GOOD.iat) }],
    ['sub as number', { ...GOOD, sub: 7 }],
  ];

  const bySecret: Array<[string, () => string | Promise<string>]> = [
    ...claimsCases.map(([title, claims]): [string, () => Promise<string>] => [title, () => sign(claims)]),
    ...numbersAsText.map(([title, claims]): [string, () => string] => [
      title,
      () => forge({ alg: 'HS256' }, claims, SECRET),
    ]),
    ['alg none', () => `${encode({ alg: 'none' })}.${encode(GOOD)}.`],
    ['HS512', () => sign(GOOD, { alg: 'HS512' }, createSecretKey(Buffer.alloc(64, SECRET)))],
    ['alg HS512 over an HS256 signature', () => forge({ alg: 'HS512' }, GOOD, SECRET)],
    ['RS256 where HS256 is pinned', () => sign(GOOD, { alg: 'RS256' }, RSA.privateKey)],
    ['another secret', () => sign(GOOD, {}, createSecretKey(Buffer.from(`${SECRET}!`)))],
    ['a kid where the key has none', () => sign(GOOD, { kid: 'k1' })],
    ['a kid that is no text', () => forge({ alg: 'HS256', kid: 1 }, GOOD, SECRET)],
    ['an unknown critical header', () => forge({ alg: 'HS256', crit: ['x'], x: 1 }, GOOD, SECRET)],
    ['truncated', async () => (await sign(GOOD)).slice(0, -1)],
    ['without signature', async () => (await sign(GOOD)).replace(/[^.]*$/, '')],
    ['two parts', async () => (await sign(GOOD)).replace(/\.[^.]*$/, '')],
    ['10 KiB', () => sign({ ...GOOD, filler: 'x'.repeat(10_240) })],
    ['empty', () => ''],
    ['no token at all', () => 'hello'],
    ['claims that are no object', () => forge({ alg: 'HS256' }, [1], SECRET)],
  ];

  it.each(bySecret)('%s', async (_title, token) => {
    const refusal = await refusalOf(verifier({ secret: SECRET }), await token());
    expect(refusal).toEqual(new Refusal('unauthorized'));
    expect(Object.keys(refusal).sort()).toEqual(Object.keys(new Refusal('unauthorized')).sort());
    expect(refusal).not.toHaveProperty('cause');
  });

  it.each<[string, () => string | Promise<string>]>([
    ['HS256 with the public key as secret', () => forge({ alg: 'HS256' }, GOOD, PUBLIC)],
    ['the same, without the last line break', () => forge({ alg: 'HS256' }, GOOD, PUBLIC.trim())],
    ['alg RS256 over an HMAC by the public key', () => forge({ alg: 'RS256' }, GOOD, PUBLIC)],
    ['PS256 by the right key', () => sign(GOOD, { alg: 'PS256' }, RSA.privateKey)],
    ['RS512 by the right key', () => sign(GOOD, { alg: 'RS512' }, RSA.privateKey)],
    [
      'a key that the token brings along',
      () =>
        sign(
          GOOD,
          { alg: 'RS256', jwk: EC.publicKey.export({ format: 'jwk' }) },
          generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey,
        ),
    ],
  ])('%s, where RS256 is pinned', async (_title, token) => {
    expect(await refusalOf(verifier({ publicKey: PUBLIC }), await token())).toEqual(new Refusal('unauthorized'));
  });

  it.each<[string, JWTPayload]>([
    ['no iss', GOOD],
    ['foreign iss', { ...GOOD, iss: 'other' }],
    ['iss as list', { ...GOOD, iss: ['shop'] as unknown as string }],
  ])('%s, where an issuer is configured', async (_title, claims) => {
    const judge = verifier({ secret: SECRET, issuer: 'shop' });
    expect(await refusalOf(judge, await sign(claims))).toEqual(new Refusal('unauthorized'));
  });

  it('tells operators, and only them, what is wrong', async () => {
    const judge = verifier({ secret: SECRET });
    expect(await judge.diagnose(await sign(without('exp')))).toContain('exp');
    expect(await judge.diagnose(await sign({ ...GOOD, role: 'root' }))).toContain('role');
    expect(await judge.diagnose(await sign(GOOD, { kid: 'k1' }))).toContain('kid');
  });
});

const signed = (kid: string | undefined, alg: 'ES256' | 'EdDSA', privateKey: KeyObject): Promise<string> =>
  signAuthKey({ sub: 'phone', issuedAt: NOW, alg, privateKey, kid });

const nonsense = (header: object): string => `${encode(header)}.${encode(GOOD)}.AAAA`;

describe('a refusal costs the same whatever is wrong', () => {
  const set = [{ ...EC.publicKey.export({ format: 'jwk' }), kid: 'ec', alg: 'ES256' }];
  const BAD: ReadonlyArray<readonly [string, () => string | Promise<string>]> = [
    ['another secret', () => sign(GOOD, {}, createSecretKey(Buffer.from(`${SECRET} of another`)))],
    ['expired', () => sign({ ...GOOD, iat: NOW - 900, exp: NOW - 600 })],
    ['another aud', () => sign({ ...GOOD, aud: 'others' })],
    ['no exp', () => sign(without('exp'))],
    ['too long a life', () => sign({ ...GOOD, exp: NOW + 2 * DAY })],
    ['no node id', () => sign({ ...GOOD, sub: '~alias' })],
    ['an unknown kid', () => sign(GOOD, { kid: 'nobody' })],
    ['a known kid and a wrong signature', () => nonsense({ alg: 'ES256', kid: 'ec' })],
    ['a kid of another algorithm', () => sign(GOOD, { kid: 'ec' })],
    ['alg none', () => nonsense({ alg: 'none' })],
    ['HS512', () => nonsense({ alg: 'HS512' })],
    ['an algorithm without a key', () => nonsense({ alg: 'EdDSA' })],
    ['crit', () => nonsense({ alg: 'HS256', crit: ['x'], x: 1 })],
    ['two parts', () => 'a.b'],
    ['no token', () => ''],
    ['nonsense', () => 'x'.repeat(2_000)],
  ];

  it.each(BAD)('one signature is looked at: %s', async (_title, make) => {
    const judge = verifier({ secret: SECRET, keySet: set });
    const token = await make();
    const looks = vi.spyOn(globalThis.crypto.subtle, 'verify');
    await refusalOf(judge, token);
    expect(looks).toHaveBeenCalledTimes(1);
    looks.mockRestore();
  });
});

describe('rotation by kid', () => {
  const set = [
    { ...EC.publicKey.export({ format: 'jwk' }), kid: 'old', alg: 'ES256' },
    { ...ED.publicKey.export({ format: 'jwk' }), kid: 'new', alg: 'EdDSA' },
  ];
  it('lets the old and the new key live side by side', async () => {
    const judge = verifier({ keySet: set });
    expect(await judge.verify(await signed('old', 'ES256', EC.privateKey))).toMatchObject({ kid: 'old' });
    expect(await judge.verify(await signed('new', 'EdDSA', ED.privateKey))).toMatchObject({ kid: 'new' });
  });

  it('refuses the old key once it is taken out', async () => {
    const judge = verifier({ keySet: set.slice(1) });
    expect((await refusalOf(judge, await signed('old', 'ES256', EC.privateKey))).code).toBe('unauthorized');
  });

  it.each([
    ['another kid of the set', 'new'],
    ['no kid', undefined],
    ['an unknown kid', 'third'],
    ['a name that every object has', '__proto__'],
  ])('never tries a key by %s', async (_title, kid) => {
    const judge = verifier({ keySet: set });
    expect((await refusalOf(judge, await signed(kid, 'ES256', EC.privateKey))).code).toBe('unauthorized');
  });

  it('keeps a secret without kid beside a set', async () => {
    const judge = verifier({ secret: SECRET, keySet: set });
    expect(await judge.verify(await sign(GOOD))).toMatchObject({ kid: null });
    expect((await refusalOf(judge, await sign(GOOD, { kid: 'old' }))).code).toBe('unauthorized');
  });
});
