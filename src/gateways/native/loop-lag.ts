import type { Clock, Timer } from '../../common/clock.js';

const BEAT_MS = 500;

/** Notices when the own event loop lags: then a missing answer says nothing about the peer. */
export class LoopLag {
  private lastBeat: number;
  private laggedAt = -Infinity;
  private readonly beat: Timer;

  constructor(
    private readonly clock: Clock,
    private readonly lagMs: number,
  ) {
    this.lastBeat = clock.monotonic();
    this.beat = clock.every(BEAT_MS, () => this.look());
  }

  /** Whether it lagged at some time after `at` (monotonic). Looks itself, for the asking timer may run before the beat. */
  since(at: number): boolean {
    this.look();
    return this.laggedAt >= at;
  }

  stop(): void {
    this.beat.cancel();
  }

  private look(): void {
    const now = this.clock.monotonic();
    if (now - this.lastBeat > BEAT_MS + this.lagMs) this.laggedAt = now;
    this.lastBeat = now;
  }
}
