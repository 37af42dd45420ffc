import type { Clock } from '../../common/clock.js';

const WINDOW_MS = 100;
const BUSY_COMMITS_PER_S = 500;
const GATHER_MS = 1;

/** A commit costs the same whatever is in it: when there were many lately, gather a little before the next. */
export class CommitPace {
  private windowStart: number;
  private count = 0;
  private busy = false;

  constructor(private readonly clock: Clock) {
    this.windowStart = clock.monotonic();
  }

  committed(): void {
    this.count += 1;
    this.roll();
  }

  /** How long to gather before the next commit, ms; 0 on a quiet store. */
  pauseMs(): number {
    this.roll();
    return this.busy ? GATHER_MS : 0;
  }

  private roll(): void {
    const elapsed = this.clock.monotonic() - this.windowStart;
    if (elapsed < WINDOW_MS) return;
    this.busy = (this.count * 1_000) / elapsed > BUSY_COMMITS_PER_S;
    this.windowStart += elapsed;
    this.count = 0;
  }
}
