import { expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { Crowd } from './crowd.js';

it('a crowd is spread over twice the time that it takes to let it in', () => {
  const crowd = new Crowd(new ManualClock(), 500);
  const spreads = Array.from({ length: 2_500 }, () => crowd.join());
  expect(spreads[0]).toBe(4);
  expect(spreads.at(-1)).toBe(10_000);
});

it('a crowd shrinks as fast as peers are let in, and is gone at last', () => {
  const clock = new ManualClock();
  const crowd = new Crowd(clock, 500);
  for (let count = 0; count < 1_000; count += 1) crowd.join();
  clock.advance(1_000);
  expect(crowd.join()).toBe(2_004);
  clock.advance(60_000);
  expect(crowd.join()).toBe(4);
});

it('without a rate nobody is asked to wait for others', () => {
  expect(new Crowd(new ManualClock(), 0).join()).toBe(0);
});
