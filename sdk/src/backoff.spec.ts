import { describe, expect, it } from 'vitest';
import { Backoff, comesBack, retryAfterOfReason } from './backoff.js';

describe('backoff', () => {
  it('doubles the ceiling up to the maximum, and starts again after a reset', () => {
    const backoff = new Backoff({ baseMs: 100, maxMs: 500, random: () => 0.5 });
    expect([backoff.next(), backoff.next(), backoff.next(), backoff.next()]).toEqual([50, 100, 200, 250]);
    backoff.reset();
    expect(backoff.next()).toBe(50);
  });

  it('spreads over the whole range below the ceiling', () => {
    const draws = [0, 0.999];
    const backoff = new Backoff({ baseMs: 1000, maxMs: 1000, random: () => draws.shift() ?? 0 });
    expect([backoff.next(), backoff.next()]).toEqual([0, 999]);
  });

  it('never comes sooner than the server asks', () => {
    const backoff = new Backoff({ baseMs: 100, maxMs: 500, random: () => 0 });
    expect(backoff.next(7000)).toBe(7000);
  });

  it('reads the wait out of a close reason', () => {
    expect(retryAfterOfReason('retry_after_ms=250')).toBe(250);
    expect(retryAfterOfReason('bye')).toBeUndefined();
  });

  it.each([1001, 1005, 1006, 1011, 1012, 1013, 4000, 4001, 4002, 4003, 4004, 4005, 4499])('%i comes back', (code) => {
    expect(comesBack(code)).toBe(true);
  });

  it.each([1000, 1002, 1003, 1007, 1008, 1009, 4500, 4501, 4502, 4999])('%i stays away', (code) => {
    expect(comesBack(code)).toBe(false);
  });
});
