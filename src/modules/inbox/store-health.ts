/** What the store says of itself, for readiness, for refusing early, and for ending the process. */
export abstract class StoreHealth {
  /** Why no durable message can be taken now (disk, connection), or `undefined`. Cheap: asked for each message. */
  abstract problem(): string | undefined;

  /**
   * Why a call waits longer than it should, though messages are taken still, or `undefined`: new work should rather go
   * elsewhere. Cheap.
   */
  slowness(): string | undefined {
    return undefined;
  }

  /**
   * How long the store has not answered, ms; 0 while it answers, and where nothing is known. A full disk is no silence.
   * Cheap: asked for each handshake.
   */
  silentMs(): number {
    return 0;
  }

  /** Called once when the store failed in a way that only a restart can mend: nothing may be confirmed any more. */
  abstract onFatal(call: (error: Error) => void): void;

  /** Closed, but a thread of this process waits for the store and cannot be called back: an exit would wait for it. */
  get isStuck(): boolean {
    return false;
  }
}
