import type { Clock, Timer } from './clock.js';

const BEAT_MS = 1_000;

/**
 * Notices that this process stood still (suspended, stopped, or its event loop blocked): what it believed about the
 * world before may be stale. Checked at each use and not only by its own timer, because after a stall the work that
 * trusts an old belief can run before any timer does.
 */
export class StallGuard {
  private lastBeat: number;
  private count = 0;
  private readonly beat: Timer;
  private readonly longListeners: Array<() => void> = [];

  /** `stallMs`: a longer gap is a stall; `longMs`: a longer one also calls the listeners of `onLongStall`. */
  constructor(
    private readonly clock: Clock,
    private readonly stallMs: number,
    private readonly longMs: number,
  ) {
    this.lastBeat = clock.monotonic();
    this.beat = clock.every(BEAT_MS, () => void this.stalls());
  }

  /** How often it stood still. Compare two readings: if they differ, nothing learnt before the second may be trusted. */
  stalls(): number {
    const now = this.clock.monotonic();
    const gap = now - this.lastBeat;
    this.lastBeat = now;
    if (gap > this.stallMs) this.count += 1;
    if (gap > this.longMs) for (const call of this.longListeners) call();
    return this.count;
  }

  onLongStall(call: () => void): void {
    this.longListeners.push(call);
  }

  stop(): void {
    this.beat.cancel();
  }
}
