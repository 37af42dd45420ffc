import type { Clock } from './clock.js';

const SECOND_MS = 1_000;

/** Allows `burst` at once and `perSecond` in the long run; without end where `perSecond` stands for no limit. */
export class TokenBucket {
  private readonly burst: number;
  private tokens: number;
  private filledAt: number;

  constructor(
    private readonly clock: Clock,
    private readonly perSecond: number,
    burst: number,
  ) {
    this.burst = perSecond < Number.MAX_SAFE_INTEGER ? burst : Infinity;
    this.tokens = this.burst;
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

  /** Spends as many as are there, `most` at most; how many. */
  takeUpTo(most: number): number {
    const taken = Math.min(most, Math.max(0, Math.floor(this.level)));
    this.spend(taken);
    return taken;
  }

  /** Undoes a `take`. */
  giveBack(): void {
    this.tokens = Math.min(this.burst, this.tokens + 1);
  }

  /** ms until there is one to spend. */
  get wait(): number {
    return this.waitFor(1);
  }

  /** ms until there are so many to spend; more than the burst are never there at once. */
  waitFor(tokens: number): number {
    const wanted = Math.min(tokens, this.burst);
    return Math.max(0, Math.ceil(((wanted - this.level) * SECOND_MS) / this.perSecond));
  }
}
