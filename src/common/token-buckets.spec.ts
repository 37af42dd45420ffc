import { describe, expect, it } from 'vitest';
import { ManualClock } from './clock.js';
import { TokenBuckets } from './token-buckets.js';

describe('token buckets', () => {
  it('are one for each, and the same one when it is asked for again', () => {
    const buckets = new TokenBuckets(new ManualClock(), 1, 2);
    expect([buckets.of('a').take(), buckets.of('a').take(), buckets.of('a').take()]).toEqual([true, true, false]);
    expect(buckets.of('b').take()).toBe(true);
    expect(buckets.known('c')).toBeUndefined();
  });

  it('are no more than are remembered: who was not seen for the longest starts anew', () => {
    const buckets = new TokenBuckets(new ManualClock(), 1, 1, 100);
    for (let n = 0; n < 10_000; n += 1) buckets.of(`${n}`).take();
    expect(buckets.size).toBe(100);
    expect(buckets.known('9999')?.level).toBe(0);
    expect(buckets.of('0').take()).toBe(true);
  });
});
