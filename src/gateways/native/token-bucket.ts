import type { Clock } from '../../common/clock.js';

const SECOND_MS = 1_000;

/** Allows `burst` at once and `perSecond` in the long run. */
export class TokenBucket {
  private tokens: number;
  private filledAt: number;

  constructor(
    private readonly clock: Clock,
    private readonly perSecond: number,
    private readonly burst: number,
  ) {
    this.tokens = burst;
    this.filledAt = clock.monotonic();
  }

  /** Tokens that are there now. */
  get level(): number {
    const now = this.clock.monotonic();
    const elapsed = now - this.filledAt;
    this.filledAt = now;
    this.tokens = Math.min(this.burst, this.tokens + (elapsed * this.perSecond) / SECOND_MS);
    return this.tokens;
  }

  spend(tokens: number): void {
    this.tokens -= tokens;
  }

  /** Spends one if it is there. */
  take(): boolean {
    if (this.level < 1) return false;
    this.spend(1);
    return true;
  }

  /** Undoes a `take`. */
  giveBack(): void {
    this.tokens = Math.min(this.burst, this.tokens + 1);
  }

  /** ms until there is one to spend. */
  get wait(): number {
    return Math.max(0, Math.ceil(((1 - this.level) * SECOND_MS) / this.perSecond));
  }
}
