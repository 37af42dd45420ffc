import { expect, it } from 'vitest';
import { ManualClock } from './clock.js';
import { FailureWave } from './failure-wave.js';

it('what fails for many at once is told once, with how many and the last reason, and the next wave again', () => {
  const clock = new ManualClock();
  const told: Array<[number, string]> = [];
  const wave = new FailureWave(clock, (...line) => void told.push(line));
  wave.add('one');
  clock.advance(999);
  wave.add('two');
  expect(told).toEqual([]);
  clock.advance(1);
  expect(told).toEqual([[2, 'two']]);
  clock.advance(60_000);
  wave.add('three');
  clock.advance(1_000);
  expect(told).toEqual([
    [2, 'two'],
    [1, 'three'],
  ]);
  expect(clock.waiting).toBe(0);
});
