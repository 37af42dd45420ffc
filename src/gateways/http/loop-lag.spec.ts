import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Clock, ManualClock, SystemClock } from '../../common/clock.js';
import { LoopLag } from './loop-lag.js';
import { HTTP_SETTINGS } from './testing/http-app.js';

const watch = (clock: Clock): LoopLag => {
  const lag = new LoopLag(clock, { ...HTTP_SETTINGS, loopLagMs: 100, loopLagForMs: 2_000 });
  lag.onModuleInit();
  return lag;
};

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
    lag.onModuleDestroy();
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
    lag.onModuleDestroy();
    expect(lag.currentMs).toBeGreaterThan(1_000);
  });
});
