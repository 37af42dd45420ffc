import { generateKeyPairSync } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';
import { signAuthKey } from './make-key.js';

const SECRET = 'a secret that is long enough for HS256';

describe('a made auth key', () => {
  it('says what was asked for', async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const key = await signAuthKey({
      sub: 'phone',
      clientId: 'ann',
      role: 'admin',
      ttlSeconds: 60,
      issuedAt: 1_000,
      issuer: 'shop',
      kid: 'k',
      alg: 'EdDSA',
      privateKey: pem,
    });
    expect(decodeProtectedHeader(key)).toEqual({ typ: 'JWT', alg: 'EdDSA', kid: 'k' });
    expect(decodeJwt(key)).toEqual({
      sub: 'phone',
      aud: 'allspark',
      iat: 1_000,
      exp: 1_060,
      iss: 'shop',
      client_id: 'ann',
      role: 'admin',
    });
  });

  it('lives an hour and says nothing more when nothing else is asked for', async () => {
    const key = await signAuthKey({ sub: 'phone', issuedAt: 1_000, alg: 'HS256', secret: SECRET });
    expect(decodeProtectedHeader(key)).toEqual({ typ: 'JWT', alg: 'HS256' });
    expect(decodeJwt(key)).toEqual({ sub: 'phone', aud: 'allspark', iat: 1_000, exp: 4_600 });
  });

  it.each([
    ['sub', { sub: '~x' }],
    ['client_id', { sub: 'x', clientId: 'a b' }],
    ['secret', { sub: 'x', secret: 'short' }],
  ])('is not made of a bad %s', async (field, request) => {
    const asked = signAuthKey({ alg: 'HS256', secret: SECRET, ...request });
    await expect(asked).rejects.toMatchObject({ code: 'invalid_field', field });
  });
});
