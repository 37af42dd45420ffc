import { expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { KnownTails } from './known-tails.js';

it('knows a tail for 30 s from when it was asked for, and the higher of two', () => {
  const clock = new ManualClock();
  const tails = new KnownTails(clock);
  const asked = clock.monotonic();
  clock.advance(10_000);
  tails.learn('a', 7, asked);
  tails.learn('a', 5, clock.monotonic());
  expect([tails.of('a'), tails.of('b')]).toEqual([7, undefined]);
  clock.advance(20_000);
  expect(tails.of('a')).toBeUndefined();
  tails.learn('a', 7, clock.monotonic());
  expect(tails.of('a')).toBe(7);
  tails.forget('a');
  expect(tails.of('a')).toBeUndefined();
});
