import type { IssuedKey } from './end-orders.js';

/** Whom the verifier asks behind a good signature. */
export abstract class RevokedKeys {
  /** Whether the key was revoked after it was issued. Asked for every call and every handshake: answers from memory. */
  abstract isRevoked(key: IssuedKey): boolean;
}

/** For those who verify keys without a store at hand. */
export class NothingRevoked extends RevokedKeys {
  isRevoked(): boolean {
    return false;
  }
}
