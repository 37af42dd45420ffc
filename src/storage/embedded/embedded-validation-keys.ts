import type { Database, Key } from 'lmdb';
import { type ValidationGrant, ValidationKeyStore } from '../../modules/auth/index.js';
import type { EmbeddedStore } from './embedded-store.js';

/** Ended grants that one `put` forgets: more than it adds, so that they get fewer. */
const FORGET_A_PUT = 4;

export class EmbeddedValidationKeys extends ValidationKeyStore {
  private readonly grants: Database<ValidationGrant, string>;
  /** [validUntil, digest], to find the ended ones. */
  private readonly ends: Database<true, Key[]>;

  constructor(private readonly store: EmbeddedStore) {
    super();
    this.grants = store.json('validation-keys');
    this.ends = store.json('validation-key-ends');
  }

  put(digest: string, grant: ValidationGrant, now: number): Promise<void> {
    return this.store.writes.run(1, () => {
      this.forgetEnded(now);
      void this.grants.put(digest, grant);
      void this.ends.put([grant.validUntil, digest], true);
    });
  }

  private forgetEnded(now: number): void {
    const ended = [...this.ends.getKeys({ start: [0], end: [now], limit: FORGET_A_PUT })];
    for (const end of ended) {
      void this.grants.remove(String(end[1]));
      void this.ends.remove(end);
    }
  }

  async peek(digest: string): Promise<ValidationGrant | undefined> {
    return this.store.read(() => this.grants.get(digest));
  }

  use(digest: string): Promise<boolean> {
    return this.store.writes.run(1, () => {
      const grant = this.grants.get(digest);
      if (!grant) return false;
      void this.grants.remove(digest);
      void this.ends.remove([grant.validUntil, digest]);
      return true;
    });
  }
}
