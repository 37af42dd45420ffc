import type { Clock, Timer } from '../common/clock.js';

export interface LivenessSettings {
  readonly pingIntervalMs: number;
  readonly deadMs: number;
}

export interface LivenessPeer {
  /** Asks the peer for a sign of life; absent where the peer is the one that asks. */
  readonly ping?: () => void;
  readonly dead: () => void;
}

/** A timer that is so much too late says that this process stood still, not that the peer was silent. */
const OWN_LAG_MS = 1_000;

/** Finds a peer dead of which nothing was heard for too long: a cut cable says no goodbye. */
export class Liveness {
  private timer: Timer | undefined;
  private heardAt: number;
  private askAt: number;

  constructor(
    private readonly clock: Clock,
    private readonly settings: LivenessSettings,
    private readonly peer: LivenessPeer,
  ) {
    this.heardAt = clock.monotonic();
    this.askAt = this.heardAt + settings.pingIntervalMs;
    this.wait();
  }

  /** Something came, whatever it was. */
  heard(): void {
    this.heardAt = this.clock.monotonic();
  }

  stop(): void {
    this.timer?.cancel();
  }

  private wait(): void {
    const due = Math.min(this.askAt, this.heardAt + this.settings.deadMs);
    this.timer = this.clock.after(Math.max(0, due - this.clock.monotonic()), () => this.look(due));
  }

  private look(due: number): void {
    const now = this.clock.monotonic();
    const { pingIntervalMs, deadMs } = this.settings;
    // What came meanwhile is read only after this: give it the time of one more ping.
    if (now - due > OWN_LAG_MS) this.heardAt = Math.max(this.heardAt, now - deadMs + pingIntervalMs);
    if (now - this.heardAt >= deadMs) return this.peer.dead();
    if (now >= this.askAt) {
      this.askAt = now + pingIntervalMs;
      this.peer.ping?.();
    }
    this.wait();
  }
}
