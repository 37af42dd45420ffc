import { expect, it } from 'vitest';
import { Random } from './random.js';
import { lows, median, slope, type Sample } from './slope.js';

const MIB = 2 ** 20;
const TEN_MINUTES = 600_000;

/** Ten minutes of memory, a look every ten seconds: it wobbles by a MiB, and now and then by twenty more. */
function memory(grownMib: number): Sample[] {
  const random = new Random(11);
  return Array.from({ length: 60 }, (_none, index) => {
    const wobble = random.next() + (index % 13 === 5 ? 20 : 0);
    return { at: 5_000 + index * 10_000, value: (80 + wobble + (grownMib * index) / 60) * MIB };
  });
}

const perTenMinutes = (samples: readonly Sample[]): number => (slope(samples) * TEN_MINUTES) / MIB;

it('finds a leak of 2 MiB in ten minutes under peaks of twenty', () => {
  expect(perTenMinutes(memory(2))).toBeGreaterThan(1.5);
});

it('finds none where there is none', () => {
  expect(Math.abs(perTenMinutes(memory(0)))).toBeLessThan(0.5);
});

it('is exact on a line', () => {
  const line = [1, 2, 4, 9].map((at) => ({ at, value: 3 * at }));
  expect(slope(line)).toBe(3);
});

it('takes the middle, and 0 of nothing', () => {
  expect([median([9, 1, 2]), median([1, 2, 4, 9]), median([]), slope([])]).toEqual([2, 3, 0, 0]);
});

it('takes the least of each stretch of time', () => {
  const samples = [3, 1, 2, 9, 8, 7, 5].map((value, at) => ({ at, value }));
  expect(lows(samples, 3).map(({ value }) => value)).toEqual([1, 7, 5]);
});

it('finds the leak below what malloc gives back now and then only', () => {
  const leaking = memory(2).map(({ at, value }, index) => ({ at, value: value + (index % 5 === 0 ? 0 : 8 * MIB) }));
  expect(perTenMinutes(lows(leaking, 120_000))).toBeGreaterThan(1.3);
  const sound = memory(0).map(({ at, value }, index) => ({ at, value: value + (index % 5 === 0 ? 0 : 8 * MIB) }));
  expect(Math.abs(perTenMinutes(lows(sound, 120_000)))).toBeLessThan(0.7);
});
