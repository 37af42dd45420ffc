import { type ValidationGrant, ValidationKeyStore } from 'allspark';

/** The port `ValidationKeyStore`, kept in memory: good enough for a single process, whose websockets end with it. */
export class MemoryKeys extends ValidationKeyStore {
  issued = 0;
  private isClosed = false;

  constructor(private readonly grants = new Map<string, ValidationGrant>()) {
    super();
  }

  async put(digest: string, grant: ValidationGrant, now: number): Promise<void> {
    this.refuseWhenClosed();
    for (const [each, { validUntil }] of this.grants) if (validUntil <= now) this.grants.delete(each);
    this.grants.set(digest, grant);
    this.issued += 1;
  }

  async peek(digest: string): Promise<ValidationGrant | undefined> {
    this.refuseWhenClosed();
    return this.grants.get(digest);
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
