import { type ValidationGrant, ValidationKeyStore } from 'allspark';

export interface KeptGrant {
  readonly grant: ValidationGrant;
  /** When it ends, by the one clock that there is here, ms since 1970. */
  readonly validUntil: number;
}

/** The port `ValidationKeyStore`, kept in memory: good enough for a single process, whose websockets end with it. */
export class MemoryKeys extends ValidationKeyStore {
  issued = 0;
  private isClosed = false;

  constructor(private readonly grants = new Map<string, KeptGrant>()) {
    super();
  }

  async put(digest: string, grant: ValidationGrant, ms: number): Promise<void> {
    this.refuseWhenClosed();
    const now = Date.now();
    for (const [each, { validUntil }] of this.grants) if (validUntil <= now) this.grants.delete(each);
    this.grants.set(digest, { grant, validUntil: now + ms });
    this.issued += 1;
  }

  async peek(digest: string): Promise<ValidationGrant | undefined> {
    this.refuseWhenClosed();
    const { grant, validUntil = 0 } = this.grants.get(digest) ?? {};
    return validUntil > Date.now() ? grant : undefined;
  }

  async use(digest: string): Promise<boolean> {
    this.refuseWhenClosed();
    return this.grants.delete(digest);
  }

  /** Called by the framework when the application has let everybody go. */
  onApplicationShutdown(): void {
    this.isClosed = true;
  }

  private refuseWhenClosed(): void {
    if (this.isClosed) throw new Error('the keys are closed');
  }
}
