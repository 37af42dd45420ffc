import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { StoreUnavailable } from '../../modules/inbox/index.js';
import { MongoClock } from './mongo-clock.js';

const DAY_MS = 86_400_000;
const NOON = 1_800_000_000_000;

/** The clock of a primary; an answer of it may take its time. */
class Primary {
  ms = NOON;
  isAway = false;
  answersAfterMs = 0;

  constructor(private readonly here: ManualClock) {}

  async time(): Promise<number> {
    if (this.isAway) throw new StoreUnavailable('away');
    const { ms } = this;
    this.pass(this.answersAfterMs);
    return ms;
  }

  pass(ms: number): void {
    this.ms += ms;
    this.here.advance(ms);
  }
}

const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

let here: ManualClock;
let primary: Primary;
let clock: MongoClock;

beforeEach(async () => {
  here = new ManualClock(NOON + DAY_MS);
  primary = new Primary(here);
  clock = await MongoClock.start(primary, here);
});

describe('the clock of a store in MongoDB', () => {
  it('shows the time of the primary, wherever the wall clock here stands', () => {
    expect(clock.now()).toBe(NOON);
    primary.pass(1_500);
    expect(clock.now()).toBe(NOON + 1_500);
    expect(clock.monotonic()).toBe(here.monotonic());
  });

  it('follows a primary whose clock is set, or another one, within half a minute', async () => {
    for (const step of [DAY_MS, -2 * DAY_MS]) {
      primary.ms += step;
      primary.pass(30_000);
      await settled();
      expect(clock.now()).toBe(primary.ms);
    }
  });

  it('is not moved by an answer that was long under way', async () => {
    primary.answersAfterMs = 2_000;
    await clock.learn();
    expect(clock.now()).toBe(primary.ms);
  });

  it('is never ahead of the primary after an answer that was long under way', async () => {
    primary.answersAfterMs = 2_000;
    const late = await MongoClock.start(primary, here);
    expect(late.now()).toBe(primary.ms - 2_000);
    primary.answersAfterMs = 0;
    await late.learn();
    expect(late.now()).toBe(primary.ms);
  });

  it('goes on while the primary is away, and asks again', async () => {
    primary.isAway = true;
    primary.pass(30_000);
    await settled();
    expect(clock.now()).toBe(primary.ms);
    primary.isAway = false;
    primary.ms += DAY_MS;
    primary.pass(30_000);
    await settled();
    expect(clock.now()).toBe(primary.ms);
  });

  it('does not start without the primary', async () => {
    primary.isAway = true;
    await expect(MongoClock.start(primary, here)).rejects.toThrow(StoreUnavailable);
  });

  it('asks no more once it is stopped', () => {
    clock.stop();
    expect(here.waiting).toBe(0);
  });
});
