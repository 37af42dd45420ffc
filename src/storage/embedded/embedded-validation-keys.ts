import type { Database, Key } from 'lmdb';
import { type ValidationGrant, ValidationKeyStore } from '../../modules/auth/index.js';
import type { EmbeddedStore } from './embedded-store.js';

/** Ended grants that one `put` forgets: more than it adds, so that they get fewer. */
const FORGET_A_PUT = 4;

/** A grant, and when it ends, ms since 1970: the processes on the store share one host and its clock. */
type KeptGrant = ValidationGrant & { readonly validUntil: number };

export class EmbeddedValidationKeys extends ValidationKeyStore {
  private readonly grants: Database<KeptGrant, string>;
  /** [validUntil, digest], to find the ended ones. */
  private readonly ends: Database<true, Key[]>;

  constructor(private readonly store: EmbeddedStore) {
    super();
    this.grants = store.json('validation-keys');
    this.ends = store.json('validation-key-ends');
  }

  put(digest: string, grant: ValidationGrant, ms: number): Promise<void> {
    return this.store.writes.run(1, () => {
      const validUntil = this.store.settings.clock.now() + ms;
      this.forgetEnded();
      void this.grants.put(digest, { ...grant, validUntil });
      void this.ends.put([validUntil, digest], true);
    });
  }

  private forgetEnded(): void {
    const end = [this.store.settings.clock.now()];
    const ended = [...this.ends.getKeys({ start: [0], end, limit: FORGET_A_PUT })];
    for (const each of ended) {
      void this.grants.remove(String(each[1]));
      void this.ends.remove(each);
    }
  }

  async peek(digest: string): Promise<ValidationGrant | undefined> {
    const kept = this.store.read(() => this.grants.get(digest));
    if (!kept || kept.validUntil <= this.store.settings.clock.now()) return undefined;
    const { validUntil: _, ...grant } = kept;
    return grant;
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
