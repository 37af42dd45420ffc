import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Clock, ManualClock, SystemClock } from './clock.js';
import { LoopLag } from './loop-lag.js';

const watch = (clock: Clock): LoopLag => new LoopLag(clock, { loopLagMs: 100, loopLagForMs: 2_000, pongLagMs: 1_000 });

describe('the watch over the event loop', () => {
  it('tolerates a late second, and forgets it after one in time', () => {
    const clock = new ManualClock();
    const lag = watch(clock);
    const afterSecond = (lateMs: number): [number, boolean] => {
      clock.jump(lateMs + 20);
      clock.advance(980 - lateMs);
      return [lag.currentMs, lag.tooLate];
    };
    expect([120, 100, 120, 500, 700, 0].map(afterSecond)).toEqual([
      [120, false],
      [100, false],
      [120, false],
      [500, true],
      [700, true],
      [0, false],
    ]);
    lag.stop();
    expect(clock.waiting).toBe(0);
  });

  it('sees turns that take longer than a second', () => {
    const clock = new ManualClock();
    const lag = watch(clock);
    for (let turn = 0; turn < 2; turn += 1) {
      clock.jump(1_500);
      clock.advance(0);
    }
    expect([lag.currentMs, lag.tooLate]).toEqual([1_480, true]);
  });

  it('sees a loop that is held up', async () => {
    const lag = watch(new SystemClock());
    for (const end = performance.now() + 1_100; performance.now() < end;);
    while (lag.currentMs === 0) await nextTurn();
    lag.stop();
    expect(lag.currentMs).toBeGreaterThan(1_000);
  });
});

describe('a single lag', () => {
  it('is noticed by whoever asks before the beat could', () => {
    const clock = new ManualClock();
    const lag = watch(clock);
    clock.advance(5_000);
    expect(lag.since(0)).toBe(false);
    clock.jump(1_040);
    expect(lag.since(5_000)).toBe(true);
  });

  it('counts only when it was after what is asked for', () => {
    const clock = new ManualClock();
    const lag = watch(clock);
    clock.jump(3_000);
    expect(lag.since(0)).toBe(true);
    clock.advance(2_000);
    expect(lag.since(4_000)).toBe(false);
    lag.stop();
    expect(clock.waiting).toBe(0);
  });

  it('that was asked about still counts for the second that it falls into', () => {
    const clock = new ManualClock();
    const lag = watch(clock);
    clock.jump(520);
    expect(lag.since(0)).toBe(false);
    clock.advance(500);
    expect(lag.currentMs).toBe(500);
  });
});
