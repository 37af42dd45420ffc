import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from './clock.js';
import { StallGuard } from './stall-guard.js';

let clock: ManualClock;
let guard: StallGuard;

beforeEach(() => {
  clock = new ManualClock();
  guard = new StallGuard(clock, 5_000, 30_000);
});

describe('StallGuard', () => {
  it('sees no stall while its beat goes on', () => {
    clock.advance(600_000);
    expect(guard.stalls()).toBe(0);
  });

  it('sees a stall at the first question after it, before any timer ran', () => {
    clock.jump(5_000);
    expect(guard.stalls()).toBe(0);
    clock.jump(5_001);
    expect(guard.stalls()).toBe(1);
    expect(guard.stalls()).toBe(1);
  });

  it('sees a stall by its beat when nobody asks', () => {
    clock.jump(20_000);
    clock.advance(1_000);
    expect(guard.stalls()).toBe(1);
  });

  it('tells of a long one, once each', () => {
    let long = 0;
    guard.onLongStall(() => (long += 1));
    clock.jump(30_000);
    guard.stalls();
    expect(long).toBe(0);
    clock.jump(30_001);
    guard.stalls();
    guard.stalls();
    expect(long).toBe(1);
    expect(guard.stalls()).toBe(2);
  });

  it('leaves no timer behind', () => {
    guard.stop();
    expect(clock.waiting).toBe(0);
  });
});
