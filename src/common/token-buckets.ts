import { LRUCache } from 'lru-cache';
import type { Clock } from './clock.js';
import { TokenBucket } from './token-bucket.js';

/** Beyond so many, those that were not seen for the longest are forgotten, and start with a full bucket again. */
const REMEMBERED = 50_000;

/** A token bucket for each of many, in bounded memory. */
export class TokenBuckets {
  private readonly buckets: LRUCache<string, TokenBucket>;

  constructor(
    private readonly clock: Clock,
    private readonly perSecond: number,
    private readonly burst: number,
    remembered = REMEMBERED,
  ) {
    this.buckets = new LRUCache({ max: remembered });
  }

  get size(): number {
    return this.buckets.size;
  }

  /** The bucket of one that was seen before; who was not has a full one. */
  known(key: string): TokenBucket | undefined {
    return this.buckets.get(key);
  }

  of(key: string): TokenBucket {
    const present = this.buckets.get(key);
    if (present) return present;
    const bucket = new TokenBucket(this.clock, this.perSecond, this.burst);
    this.buckets.set(key, bucket);
    return bucket;
  }
}
