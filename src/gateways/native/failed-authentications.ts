import { LRUCache } from 'lru-cache';
import type { Clock } from '../../common/clock.js';
import { TokenBucket } from './token-bucket.js';

const REMEMBERED_ADDRESSES = 10_000;

/** Bounds how often one address may come with a key that is not valid. */
export class FailedAuthentications {
  private readonly buckets = new LRUCache<string, TokenBucket>({ max: REMEMBERED_ADDRESSES });

  constructor(
    private readonly clock: Clock,
    private readonly limits: { readonly failuresPerSecond: number; readonly failuresBurst: number },
  ) {}

  tooMany(address: string): boolean {
    const bucket = this.buckets.get(address);
    return bucket !== undefined && bucket.level < 1;
  }

  add(address: string): void {
    const { failuresPerSecond, failuresBurst } = this.limits;
    const bucket = this.buckets.get(address) ?? new TokenBucket(this.clock, failuresPerSecond, failuresBurst);
    bucket.take();
    this.buckets.set(address, bucket);
  }
}
