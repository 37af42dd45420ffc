import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';

const HOUR = 3_600;
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

export interface Claims {
  readonly sub?: string | undefined;
  readonly role?: 'node' | 'app' | 'admin';
  readonly [claim: string]: unknown;
}

/** An auth key of any form, sound or not. */
export function jwt(claims: object, secret: string, header: { alg: string; kid?: string } = { alg: 'HS256' }): string {
  const signed = `${part(header)}.${part(claims)}`;
  const hash = header.alg === 'HS512' ? 'sha512' : 'sha256';
  return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`;
}

/** A sound auth key by a clock that goes wrong by as many ms as the file says. */
export function skewedKey(secret: string, sub: string, skewFile: string): string {
  const iat = Math.floor((Date.now() + Number(readFileSync(skewFile, 'utf8'))) / 1_000);
  return authKey(secret, sub, { iat, exp: iat + HOUR });
}

/** A sound auth key for a node, good for an hour. */
export function authKey(secret: string, sub: string, claims: Claims = {}): string {
  const iat = Math.floor(Date.now() / 1_000);
  return jwt({ sub, aud: 'allspark', iat, exp: iat + HOUR, ...claims }, secret);
}
