import { describe, expect, it } from 'vitest';
import { ManualClock } from './clock.js';
import { TokenBucket } from './token-bucket.js';

describe('a token bucket', () => {
  it('allows the burst at once and then no more', () => {
    const bucket = new TokenBucket(new ManualClock(), 10, 3);
    expect([1, 2, 3, 4].map(() => bucket.take())).toEqual([true, true, true, false]);
  });

  it('fills with time, up to the burst', () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket(clock, 10, 3);
    bucket.spend(3);
    clock.advance(150);
    expect(bucket.level).toBeCloseTo(1.5);
    clock.advance(60_000);
    expect(bucket.level).toBe(3);
  });

  it('says how long the next token takes', () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket(clock, 10, 1);
    bucket.spend(1);
    expect(bucket.wait).toBe(100);
    clock.advance(100);
    expect(bucket.wait).toBe(0);
    expect(bucket.take()).toBe(true);
  });

  it('gives of many as many as there are, and says how long the rest takes', () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket(clock, 10, 5);
    expect(bucket.takeUpTo(3)).toBe(3);
    expect(bucket.takeUpTo(3)).toBe(2);
    expect(bucket.takeUpTo(3)).toBe(0);
    expect(bucket.waitFor(2)).toBe(200);
    expect(bucket.waitFor(1_000)).toBe(500);
  });
});
