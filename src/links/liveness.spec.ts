import { expect, it } from 'vitest';
import { ManualClock } from '../common/clock.js';
import { Liveness } from './liveness.js';

function watched(clock: ManualClock): { liveness: Liveness; told: string[] } {
  const told: string[] = [];
  const peer = { ping: () => void told.push('ping'), dead: () => void told.push('dead') };
  return { liveness: new Liveness(clock, { pingIntervalMs: 5_000, deadMs: 15_000 }, peer), told };
}

it('asks each 5 s and finds a peer dead after exactly 15 s of silence', () => {
  const clock = new ManualClock();
  const { told } = watched(clock);
  clock.advance(14_999);
  expect(told).toEqual(['ping', 'ping']);
  clock.advance(1);
  expect(told).toEqual(['ping', 'ping', 'dead']);
  expect(clock.waiting).toBe(0);
});

it('counts silence from the last sign of life, whatever it was', () => {
  const clock = new ManualClock();
  const { liveness, told } = watched(clock);
  clock.advance(7_000);
  liveness.heard();
  clock.advance(14_999);
  expect(told).not.toContain('dead');
  clock.advance(1);
  expect(told.at(-1)).toBe('dead');
});

it('gives a peer the time of one more ping when it was this process that stood still', () => {
  const clock = new ManualClock();
  const { told } = watched(clock);
  clock.jump(60_000);
  clock.advance(0);
  expect(told).toEqual(['ping']);
  clock.advance(4_999);
  expect(told).not.toContain('dead');
  clock.advance(1);
  expect(told).toContain('dead');
});

it('leaves no timer behind', () => {
  const clock = new ManualClock();
  watched(clock).liveness.stop();
  expect(clock.waiting).toBe(0);
});
