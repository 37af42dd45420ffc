/** `starting`: bound, but not in its place yet; nothing is accepted. `draining`: going away; nothing new is accepted. */
export type Phase = 'starting' | 'ready' | 'draining';

/** Where this process is in its life. The edges ask before they let anybody in. */
export class Lifecycle {
  private current: Phase = 'starting';
  private readonly preparations: Array<() => Promise<void>> = [];
  private readonly drainListeners: Array<() => void> = [];
  private readonly drains: Array<() => Promise<void>> = [];

  get phase(): Phase {
    return this.current;
  }

  /** What has to be done once this process has its place, before anybody is let in. */
  preparesBy(prepare: () => Promise<void>): void {
    this.preparations.push(prepare);
  }

  /** Resolves when all of that is done, or failed. */
  async prepared(): Promise<void> {
    await Promise.allSettled(this.preparations.map((prepare) => prepare()));
  }

  becomeReady(): void {
    if (this.current === 'starting') this.current = 'ready';
  }

  beginDrain(): void {
    this.current = 'draining';
    for (const call of this.drainListeners.splice(0)) call();
  }

  /** Called once, when it begins to go away. */
  onDrain(call: () => void): void {
    this.drainListeners.push(call);
  }

  /** Work of a shutdown that needs what others close last. Asked twice, `drain` begins once and is the same promise. */
  drainsBy(drain: () => Promise<void>): void {
    this.drains.push(drain);
  }

  /** Resolves when all of that is done. */
  async drained(): Promise<void> {
    await Promise.allSettled(this.drains.map((drain) => drain()));
  }
}
