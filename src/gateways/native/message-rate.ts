import type { Clock } from '../../common/clock.js';
import { TokenBucket } from '../../common/token-bucket.js';

export interface RateLimits {
  readonly ratePerSecond: number;
  readonly rateBurst: number;
  readonly ratePauseMs: number;
  readonly rateAbuseFactor: number;
  readonly rateAbuseMs: number;
}

/** `wait`: read no further for now. `refuse`: it waited long enough, the excess is answered. `abuse`: end it. */
export type Verdict = 'pass' | 'wait' | 'refuse' | 'abuse';

interface Offered {
  readonly since: number;
  frames: number;
}

/**
 * How fast one connection may send. Who is too fast is slowed down first, by not being read; who keeps on being too fast
 * is refused the excess; who is far too fast all the while is sent away.
 */
export class MessageRate {
  private readonly bucket: TokenBucket;
  private slowedSince: number | undefined;
  private offered: Offered | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly limits: RateLimits,
  ) {
    this.bucket = new TokenBucket(clock, limits.ratePerSecond, limits.rateBurst);
  }

  /** What happens to the frame that is next. */
  judge(): Verdict {
    const { level } = this.bucket;
    if (level >= this.calm) this.slowedSince = this.offered = undefined;
    else if (this.offered && this.countsAsAbuse(this.offered)) return 'abuse';
    if (level >= 1) return 'pass';
    const now = this.clock.monotonic();
    this.slowedSince ??= now;
    if (now - this.slowedSince < this.limits.ratePauseMs) return 'wait';
    this.offered ??= { since: now, frames: 0 };
    return 'refuse';
  }

  /** The frame was let in and was worth so many messages. */
  spend(messages: number): void {
    this.bucket.spend(messages);
  }

  /** ms until the next one passes. */
  get wait(): number {
    return this.bucket.wait;
  }

  /** A whole second's worth has gathered: it is no longer too fast. */
  private get calm(): number {
    return Math.min(this.limits.ratePerSecond, this.limits.rateBurst);
  }

  /** Counts what is offered while nothing is held back; judged when the whole time is over. */
  private countsAsAbuse(offered: Offered): boolean {
    const { rateAbuseFactor, rateAbuseMs, ratePerSecond } = this.limits;
    offered.frames += 1;
    const elapsed = this.clock.monotonic() - offered.since;
    if (elapsed < rateAbuseMs) return false;
    this.offered = { since: this.clock.monotonic(), frames: 0 };
    return offered.frames * 1_000 > rateAbuseFactor * ratePerSecond * elapsed;
  }
}
