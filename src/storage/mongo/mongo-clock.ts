import { Clock, StoreClock, type Timer } from '../../common/clock.js';
import { repeat } from '../../common/repeat.js';
import { passOverUnavailable } from '../../modules/inbox/index.js';
import type { MongoStore } from './mongo-store.js';

const LEARN_MS = 30_000;

/**
 * The time of MongoDB's primary: what it said last, and what the monotonic clock here has counted since. The wall clock here
 * has no part in it.
 */
export class MongoClock extends StoreClock {
  /** The primary's time less the monotonic time here, ms. */
  private ahead = -Infinity;
  private learning: Timer | undefined;

  private constructor(
    private readonly store: Pick<MongoStore, 'time'>,
    private readonly clock: Clock,
  ) {
    super();
  }

  /** Has asked once when it resolves. */
  static async start(store: Pick<MongoStore, 'time'>, clock: Clock): Promise<MongoClock> {
    const started = new MongoClock(store, clock);
    await started.learn();
    const again = (): Promise<void> => started.learn().catch(passOverUnavailable);
    started.learning = repeat(clock, () => LEARN_MS, again);
    return started;
  }

  stop(): void {
    this.learning?.cancel();
  }

  /** Asks for the time. It was that at some moment between question and answer: what fits both stays as it was. */
  async learn(): Promise<void> {
    const asked = this.clock.monotonic();
    const time = await this.store.time();
    const answered = this.clock.monotonic();
    this.ahead = Math.min(Math.max(this.ahead, time - answered), time - asked);
  }

  now(): number {
    return Math.floor(this.clock.monotonic() + this.ahead);
  }

  monotonic(): number {
    return this.clock.monotonic();
  }

  after(ms: number, call: () => void): Timer {
    return this.clock.after(ms, call);
  }

  every(ms: number, call: () => void): Timer {
    return this.clock.every(ms, call);
  }
}
