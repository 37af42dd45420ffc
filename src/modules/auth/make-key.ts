import { createPrivateKey, createSecretKey, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { ID_WANTED, isChosenId, Refusal } from '../../protocol/index.js';
import { AUDIENCE } from './auth-key-verifier.js';
import type { Role } from './identity.js';
import { SECRET_BYTES, type Algorithm } from './pinned-key.js';

const DEFAULT_TTL_SECONDS = 3_600;
const SECOND_MS = 1_000;

export interface AuthKeyRequest {
  /** The node id. */
  readonly sub: string;
  readonly clientId?: string;
  readonly role?: Role;
  /** Default: one hour. */
  readonly ttlSeconds?: number;
  /** Seconds since 1970; default: now. */
  readonly issuedAt?: number;
  readonly issuer?: string;
  readonly kid?: string;
}

/** The signing key and its one algorithm: a secret for HS256, a PEM or key object for the others. */
export type SigningKey =
  | { readonly alg: 'HS256'; readonly secret: string }
  | { readonly alg: Exclude<Algorithm, 'HS256'>; readonly privateKey: string | KeyObject };

/** Signs an auth key as an application's backend does; for the command line and for tests. */
export async function signAuthKey(request: AuthKeyRequest & SigningKey): Promise<string> {
  requireId('sub', request.sub);
  if (request.clientId !== undefined) requireId('client_id', request.clientId);
  const iat = request.issuedAt ?? Math.floor(Date.now() / SECOND_MS);
  return new SignJWT({
    sub: request.sub,
    aud: AUDIENCE,
    iat,
    exp: iat + (request.ttlSeconds ?? DEFAULT_TTL_SECONDS),
    ...(request.issuer !== undefined && { iss: request.issuer }),
    ...(request.clientId !== undefined && { client_id: request.clientId }),
    ...(request.role !== undefined && { role: request.role }),
  })
    .setProtectedHeader({ typ: 'JWT', alg: request.alg, ...(request.kid !== undefined && { kid: request.kid }) })
    .sign(signingKey(request));
}

function requireId(field: string, value: string): void {
  if (!isChosenId(value)) throw new Refusal('invalid_field', { field, reason: `wanted ${ID_WANTED}` });
}

function signingKey(key: SigningKey): KeyObject {
  if (key.alg !== 'HS256') {
    return typeof key.privateKey === 'string' ? createPrivateKey(key.privateKey) : key.privateKey;
  }
  if (Buffer.byteLength(key.secret) >= SECRET_BYTES) return createSecretKey(Buffer.from(key.secret));
  throw new Refusal('invalid_field', { field: 'secret', reason: `wanted at least ${SECRET_BYTES} bytes` });
}
