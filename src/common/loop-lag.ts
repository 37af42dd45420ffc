import type { Clock, Timer } from './clock.js';

const BEAT_MS = 20;
const WINDOW_MS = 1_000;

export interface LoopLagLimits {
  /** Lag (ms, 99th percentile of a second) above which this process takes nobody new … */
  readonly loopLagMs: number;
  /** … when it lasts so long (ms). */
  readonly loopLagForMs: number;
  /** A single lag (ms) after which a missing answer says nothing about the peer. */
  readonly pongLagMs: number;
}

/**
 * Watches the event loop of this process. Of the 50 beats of a second the latest counts, which is their 99th percentile.
 * The histogram of node.js is of no use here: it loses the first beat after a reading, and with it everything when each
 * turn of the loop takes longer than a second.
 */
export class LoopLag {
  private readonly beating: Timer;
  private lastBeat: number;
  private windowStart: number;
  private worstMs = 0;
  private lagMs = 0;
  private lateSince: number | undefined;
  private laggedAt = -Infinity;

  constructor(
    private readonly clock: Clock,
    private readonly limits: LoopLagLimits,
  ) {
    this.lastBeat = this.windowStart = clock.monotonic();
    this.beating = clock.every(BEAT_MS, () => this.beat());
  }

  /** Of the last whole second, ms. */
  get currentMs(): number {
    return this.lagMs;
  }

  /** Whether it has been above the limit for longer than is tolerated: whoever is new is sent elsewhere. */
  get tooLate(): boolean {
    return this.lateSince !== undefined && this.clock.monotonic() - this.lateSince >= this.limits.loopLagForMs;
  }

  /** Whether it lagged at some time after `at` (monotonic). Looks itself, for the asking timer may run before the beat. */
  since(at: number): boolean {
    if (this.clock.monotonic() - this.lastBeat > BEAT_MS) this.beat();
    return this.laggedAt >= at;
  }

  stop(): void {
    this.beating.cancel();
  }

  private beat(): void {
    const now = this.clock.monotonic();
    const lateMs = now - this.lastBeat - BEAT_MS;
    this.lastBeat = now;
    this.worstMs = Math.max(this.worstMs, lateMs);
    if (lateMs > this.limits.pongLagMs) this.laggedAt = now;
    if (now - this.windowStart >= WINDOW_MS) this.judge(now);
  }

  private judge(now: number): void {
    this.lagMs = this.worstMs;
    if (this.lagMs <= this.limits.loopLagMs) this.lateSince = undefined;
    else this.lateSince ??= this.windowStart;
    this.windowStart = now;
    this.worstMs = 0;
  }
}
