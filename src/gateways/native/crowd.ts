import type { Clock } from '../../common/clock.js';

/** Of those that were refused together not all knock at the time that they were told. */
const ROOM = 2;

/** Those that were refused for being too many and will knock again, less as many as could have been let in since. */
export class Crowd {
  private size = 0;
  private since: number;

  /** `perSecond`: how many are let in; 0 for any number. */
  constructor(
    private readonly clock: Clock,
    private readonly perSecond: number,
  ) {
    this.since = clock.monotonic();
  }

  /** One more is refused; over how long, ms, the whole crowd has to be spread so that there is room for each. */
  join(): number {
    if (this.perSecond === 0) return 0;
    const now = this.clock.monotonic();
    this.size = Math.max(0, this.size - ((now - this.since) / 1_000) * this.perSecond) + 1;
    this.since = now;
    return (ROOM * this.size * 1_000) / this.perSecond;
  }
}
