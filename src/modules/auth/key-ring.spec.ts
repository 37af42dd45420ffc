import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import type { JWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { AuthSetupFault } from './auth.errors.js';
import { AuthSettings, type AuthOptions } from './auth.settings.js';
import { KeyRing } from './key-ring.js';

const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();
const jwk = (key: KeyObject, more: object): JWK => ({ ...key.export({ format: 'jwk' }), ...more });
const start = (options: AuthOptions): KeyRing => KeyRing.of(new AuthSettings(options), new ManualClock());
const faultOf = (options: AuthOptions): AuthSetupFault => {
  try {
    start(options);
  } catch (error) {
    expect(error).toBeInstanceOf(AuthSetupFault);
    return error as AuthSetupFault;
  }
  throw new Error('it started');
};

const RSA = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ED = generateKeyPairSync('ed25519').publicKey;

describe('a start is refused', () => {
  it.each<[string, AuthOptions, string, RegExp]>([
    ['without any key', {}, 'keys', /at least one/],
    ['with a set that is empty', { keySet: [] }, 'keys', /at least one/],
    ['with a secret of 31 bytes', { secret: 'x'.repeat(31) }, 'secret', /32/],
    ['with an empty secret', { secret: '' }, 'secret', /32/],
    ['with a public key as secret', { secret: pem(EC.publicKey) }, 'secret', /public key/],
    ['with a PEM that is none', { publicKey: 'hello' }, 'publicKey', /PEM/],
    [
      'with a private key',
      { publicKey: EC.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() },
      'publicKey',
      /private/,
    ],
    [
      'with P-384',
      { publicKey: pem(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey) },
      'publicKey',
      /P-256/,
    ],
    [
      'with RSA of 1024 bits',
      { publicKey: pem(generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey) },
      'publicKey',
      /2048/,
    ],
    ['with Ed448', { publicKey: pem(generateKeyPairSync('ed448').publicKey) }, 'publicKey', /Ed25519/],
    ['with an address that is none', { jwksUri: 'keys.json' }, 'jwksUri', /http/],
    ['with a file address', { jwksUri: 'file:///keys.json' }, 'jwksUri', /http/],
    ['with a key without kid', { keySet: [jwk(ED, { alg: 'EdDSA' })] }, 'keySet', /kid/],
    ['with a key without alg', { keySet: [jwk(ED, { kid: 'a' })] }, 'keySet', /\(a\): alg/],
    ['with a foreign alg', { keySet: [jwk(RSA.publicKey, { kid: 'a', alg: 'PS256' })] }, 'keySet', /alg/],
    ['with an alg of another kind', { keySet: [jwk(RSA.publicKey, { kid: 'a', alg: 'ES256' })] }, 'keySet', /fit/],
    [
      'with an RSA key for HS256',
      { keySet: [jwk(RSA.publicKey, { kid: 'a', alg: 'HS256' })] },
      'keySet',
      /does not fit/,
    ],
    ['with a private JWK', { keySet: [jwk(EC.privateKey, { kid: 'a', alg: 'ES256' })] }, 'keySet', /public part/],
    ['with a key for encryption', { keySet: [jwk(ED, { kid: 'a', alg: 'EdDSA', use: 'enc' })] }, 'keySet', /use/],
    [
      'with a short symmetric key',
      { keySet: [{ kty: 'oct', k: 'AAAA', kid: 'a', alg: 'HS256' }] },
      'keySet',
      /32 bytes/,
    ],
    [
      'with one kid twice',
      { keySet: [jwk(ED, { kid: 'a', alg: 'EdDSA' }), jwk(EC.publicKey, { kid: 'a', alg: 'ES256' })] },
      'keySet',
      /twice/,
    ],
  ])('%s', (_title, options, setting, wanted) => {
    const fault = faultOf(options);
    expect(fault.setting).toBe(setting);
    expect(fault.message).toMatch(wanted);
  });

  it('without telling the secret', () => {
    expect(faultOf({ secret: 'canary-short' }).message).not.toContain('canary');
  });
});

describe('the ring', () => {
  const ring = start({
    secret: 's'.repeat(32),
    publicKey: pem(RSA.publicKey),
    keySet: [jwk(ED, { kid: 'a', alg: 'EdDSA' })],
  });

  it('pins each key to one algorithm', async () => {
    expect(await ring.find({ alg: 'HS256' })).toMatchObject({ alg: 'HS256' });
    expect(await ring.find({ alg: 'RS256' })).toMatchObject({ alg: 'RS256' });
    expect(await ring.find({ alg: 'EdDSA', kid: 'a' })).toMatchObject({ alg: 'EdDSA' });
  });

  it.each([
    { alg: 'EdDSA' },
    { alg: 'ES256' },
    { alg: 'HS256', kid: 'a' },
    { alg: 'RS256', kid: 'a' },
    { alg: 'EdDSA', kid: 'b' },
    { alg: 'EdDSA', kid: '' },
    { alg: 'HS256', kid: null },
    { alg: 'none' },
    {},
  ])('has no key for %j', async (header) => {
    expect(await ring.find(header)).toBeUndefined();
  });
});

it('settings show no secret, however they are printed', () => {
  const keySet = [{ kty: 'oct', k: 'canary-in-the-set', kid: 'a', alg: 'HS256' }];
  const settings = new AuthSettings({ secret: 'canary-in-the-secret', keySet });
  for (const text of [JSON.stringify(settings), inspect(settings, { showHidden: true, depth: 9 })]) {
    expect(text).not.toContain('canary');
  }
});
