import { type ValidationGrant, ValidationKeyStore } from 'allspark';

/** The port `ValidationKeyStore`, kept in memory: good enough for a single process, whose websockets end with it. */
export class MemoryKeys extends ValidationKeyStore {
  readonly grants = new Map<string, ValidationGrant>();

  async put(digest: string, grant: ValidationGrant, ms: number): Promise<void> {
    if (ms > 0) this.grants.set(digest, grant);
    setTimeout(() => this.grants.delete(digest), ms).unref();
  }

  async peek(digest: string): Promise<ValidationGrant | undefined> {
    return this.grants.get(digest);
  }

  async use(digest: string): Promise<boolean> {
    return this.grants.delete(digest);
  }

  /** Called by the framework when the application has let everybody go: nobody is answered from then on. */
  onApplicationShutdown(): void {
    this.put = this.peek = this.use = (): Promise<never> => Promise.reject(new Error('the keys are closed'));
  }
}
