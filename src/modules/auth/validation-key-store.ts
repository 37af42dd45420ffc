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
}

/**
 * Keeps grants under the digest of their key; the key itself is never stored. When one ends is up to the store's own time:
 * the clocks of those who issue keys and of those who take them may be wrong.
 */
export abstract class ValidationKeyStore {
  /** Stores a grant that is good for `ms` from now; durable when it resolves. Ended ones may be forgotten on the way. */
  abstract put(digest: string, grant: ValidationGrant, ms: number): Promise<void>;

  /** The grant, or `undefined` when there is none or it ended; does not use it up. */
  abstract peek(digest: string): Promise<ValidationGrant | undefined>;

  /** Uses it up: true for exactly one caller in the whole cluster, false for all others. */
  abstract use(digest: string): Promise<boolean>;
}
