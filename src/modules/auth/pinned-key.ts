import { createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import type { CryptoKey, JWK } from 'jose';
import { AuthSetupFault } from './auth.errors.js';

export const ALGORITHMS = ['HS256', 'RS256', 'ES256', 'EdDSA'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** A key and the one algorithm that it is used with, whatever a token says. */
export interface PinnedKey {
  readonly alg: Algorithm;
  readonly material: KeyObject | CryptoKey;
  readonly signatureBytes: number;
}

export const SECRET_BYTES = 32;
const RSA_BITS = 2_048;
const SIGNATURE_BYTES: Readonly<Record<Algorithm, number>> = { HS256: 32, RS256: RSA_BITS / 8, ES256: 64, EdDSA: 64 };

export function isAlgorithm(value: unknown): value is Algorithm {
  return (ALGORITHMS as readonly unknown[]).includes(value);
}

export function pinSecret(secret: string): PinnedKey {
  const wanted = `at least ${SECRET_BYTES} random bytes`;
  // Whoever knows the public key could sign with it.
  if (/-----BEGIN (PUBLIC KEY|RSA PUBLIC KEY|CERTIFICATE)/.test(secret)) {
    throw new AuthSetupFault('secret', `${wanted}, got a public key: it is no secret, give it as publicKey`);
  }
  if (Buffer.byteLength(secret) < SECRET_BYTES) throw new AuthSetupFault('secret', wanted);
  return pinnedTo('HS256', createSecretKey(Buffer.from(secret)));
}

export function pinPem(pem: string): PinnedKey {
  // A private key would be turned into its public half without a word: it does not belong on a server that verifies.
  if (pem.includes('PRIVATE KEY')) throw new AuthSetupFault('publicKey', 'the public key, got a private one');
  const material = readPublicKey(() => createPublicKey(pem));
  const alg = material && algorithmOf(material);
  if (!material || !alg) throw new AuthSetupFault('publicKey', `a PEM public key: ${KINDS}`);
  return pinnedTo(alg, material);
}

export function pinnedTo(alg: Algorithm, material: KeyObject | CryptoKey): PinnedKey {
  return { alg, material, signatureBytes: SIGNATURE_BYTES[alg] };
}

/** A key of a JWK Set with a fault text in place of a key that cannot be used. */
export function pinJwk(jwk: JWK): PinnedKey | string {
  if (!isAlgorithm(jwk.alg)) return `alg must be one of ${ALGORITHMS.join(', ')}`;
  if (jwk.use !== undefined && jwk.use !== 'sig') return 'use must be sig';
  if (jwk.key_ops && !jwk.key_ops.includes('verify')) return 'key_ops must hold verify';
  if (jwk.kty === 'oct') return pinSymmetricJwk(jwk, jwk.alg);
  if ('d' in jwk) return 'only the public part belongs here';
  const material = readPublicKey(() => createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }));
  if (!material) return 'the key cannot be read';
  return algorithmOf(material) === jwk.alg ? pinnedTo(jwk.alg, material) : `alg does not fit the key: ${KINDS}`;
}

const KINDS = `RSA of ${RSA_BITS} bits or more (RS256), EC P-256 (ES256) or Ed25519 (EdDSA)`;

function pinSymmetricJwk(jwk: JWK, alg: Algorithm): PinnedKey | string {
  if (alg !== 'HS256') return 'a symmetric key must have alg HS256';
  const bytes = Buffer.from(typeof jwk.k === 'string' ? jwk.k : '', 'base64url');
  return bytes.length < SECRET_BYTES
    ? `k must hold at least ${SECRET_BYTES} bytes`
    : pinnedTo(alg, createSecretKey(bytes));
}

function readPublicKey(read: () => KeyObject): KeyObject | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function algorithmOf(key: KeyObject): Algorithm | undefined {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'rsa') return (details?.modulusLength ?? 0) >= RSA_BITS ? 'RS256' : undefined;
  if (key.asymmetricKeyType === 'ec') return details?.namedCurve === 'prime256v1' ? 'ES256' : undefined;
  return key.asymmetricKeyType === 'ed25519' ? 'EdDSA' : undefined;
}
