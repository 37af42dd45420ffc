/** What a validation key stands for. */
export interface ValidationGrant {
  readonly nodeId: string;
  readonly clientId: string | null;
  readonly role: 'node' | 'app' | 'admin';
  /** Of the auth key, seconds since 1970. */
  readonly issuedAt: number;
  /** Of the auth key, seconds since 1970: the connection ends with it. */
  readonly expiresAt: number;
  readonly kid: string | null;
  readonly serverNodeId: string;
  /** When the validation key itself ends, ms since 1970. */
  readonly validUntil: number;
}

/** Keeps grants under the digest of their key; the key itself is never stored. */
export abstract class ValidationKeyStore {
  /** Stores a grant; durable when it resolves. Grants that ended before `now` may be forgotten on the way. */
  abstract put(digest: string, grant: ValidationGrant, now: number): Promise<void>;

  /** The grant, or `undefined`; does not use it up. */
  abstract peek(digest: string): Promise<ValidationGrant | undefined>;

  /** Uses it up: true for exactly one caller in the whole cluster, false for all others. */
  abstract use(digest: string): Promise<boolean>;
}
