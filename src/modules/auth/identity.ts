import type { JWTPayload } from 'jose';
import { isChosenId } from '../../protocol/index.js';

export const ROLES = ['node', 'app', 'admin'] as const;

/** `node` speaks for itself, `app` is a trusted backend, `admin` may all that app may and see the operator's pages. */
export type Role = (typeof ROLES)[number];

/** Who is calling, as a valid auth key says it; also what a validation key carries on. */
export interface Identity {
  readonly nodeId: string;
  readonly clientId: string | null;
  readonly role: Role;
  /** `iat` of the auth key, whole seconds since 1970. */
  readonly issuedAt: number;
  /** `exp` of the auth key, whole seconds since 1970: what the identity opens ends then (plus the leeway). */
  readonly expiresAt: number;
  readonly kid: string | null;
}

export function isRole(value: unknown): value is Role {
  return (ROLES as readonly unknown[]).includes(value);
}

/** Reads the identity out of claims whose signature and times are checked; otherwise says which claim is wrong. */
export function identityOf(claims: JWTPayload, kid: string | null): Identity | string {
  const { sub, client_id: clientId, role = 'node', iat, exp } = claims;
  if (!isChosenId(sub)) return 'sub is not a node id';
  if (clientId !== undefined && !isChosenId(clientId)) return 'client_id is not a client id';
  if (!isRole(role)) return 'role is none of node, app, admin';
  if (iat === undefined || exp === undefined) return 'iat and exp are needed';
  return {
    nodeId: sub,
    clientId: clientId ?? null,
    role,
    issuedAt: Math.floor(iat),
    expiresAt: Math.floor(exp),
    kid,
  };
}
