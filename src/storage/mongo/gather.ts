import Denque from 'denque';
import type { Clock } from '../../common/clock.js';

/** What goes out together at most. */
const MOST = 512;
const CROWD_MS = 20;

interface Waiting<T, R> {
  readonly item: T;
  /** Given when nobody waits for it any longer: then nothing may be begun for it. */
  readonly signal: AbortSignal;
  readonly resolve: (result: R) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Does what gathered: answers one result for each item, in their order; what it throws is the answer to all of them, and
 * to nobody else. `signals` are those of the items, `signal` the one that is given when nobody waits for any of them.
 */
type Work<T, R> = (items: readonly T[], signal: AbortSignal, signals: readonly AbortSignal[]) => Promise<readonly R[]>;

interface GatherOptions<T> {
  readonly most?: number;
  /** Two of the same key never go together: the second goes when the first is done. */
  readonly keyOf?: (item: T) => string;
  readonly pace?: Pace;
}

/** Least time from one beginning to the next, ms: a crowd that trickles in gathers, too. */
export interface Pace {
  readonly clock: Clock;
  readonly ms: number;
}

/** Of what each of a crowd of connections asks once, and may wait for a little. */
export function paceOfCrowds(clock: Clock): Pace {
  return { clock, ms: CROWD_MS };
}

/**
 * One way to the store on which one thing is under way at a time. A call that finds nothing under way goes at once; what
 * comes meanwhile waits and goes out together, in the order in which it came. So a thousand calls at once cost a few
 * trips instead of a thousand, and a call alone waits for nobody. With a pace, a call soon after another waits a moment.
 */
export class Gather<T, R> {
  private readonly waiting = new Denque<Waiting<T, R>>();
  private readonly most: number;
  private readonly keyOf: ((item: T) => string) | undefined;
  private readonly pace: Pace | undefined;
  private running = false;
  private begun = -Infinity;

  constructor(
    private readonly work: Work<T, R>,
    { most = MOST, keyOf, pace }: GatherOptions<T> = {},
  ) {
    this.most = most;
    this.keyOf = keyOf;
    this.pace = pace;
  }

  /** Resolves with what became of it. Signals must be given in the order of the calls. */
  run(item: T, signal: AbortSignal): Promise<R> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, signal, resolve, reject });
      if (!this.running) void this.drain();
    });
  }

  private async drain(): Promise<void> {
    this.running = true;
    while (!this.waiting.isEmpty()) {
      if (this.pace) await this.rest(this.pace);
      const calls = this.take();
      if (calls.length > 0) await this.settle(calls);
    }
    this.running = false;
  }

  private async rest({ clock, ms }: Pace): Promise<void> {
    const left = this.begun + ms - clock.monotonic();
    if (left > 0) await clock.pause(left);
    this.begun = clock.monotonic();
  }

  private async settle(calls: ReadonlyArray<Waiting<T, R>>): Promise<void> {
    try {
      const items = calls.map(({ item }) => item);
      const signals = calls.map(({ signal }) => signal);
      // Who came last waits longest.
      const results = await this.work(items, signals.at(-1)!, signals);
      calls.forEach(({ resolve }, place) => resolve(results[place] as R));
    } catch (error) {
      for (const { reject } of calls) reject(error);
    }
  }

  /** What has to wait for another of its key is left behind, and the lane does not rest before that. */
  private take(): Array<Waiting<T, R>> {
    const taken: Array<Waiting<T, R>> = [];
    const left: Array<Waiting<T, R>> = [];
    const keys = new Set<string>();
    this.dropGivenUp();
    for (let next = this.waiting.shift(); next; next = taken.length < this.most ? this.waiting.shift() : undefined) {
      const key = this.keyOf?.(next.item);
      const isRepeated = key !== undefined && keys.size === keys.add(key).size;
      (isRepeated ? left : taken).push(next);
    }
    for (const call of left.toReversed()) this.waiting.unshift(call);
    if (!this.waiting.isEmpty()) this.begun = -Infinity;
    return taken;
  }

  private dropGivenUp(): void {
    for (let first = this.waiting.peekFront(); first?.signal.aborted; first = this.waiting.peekFront()) {
      this.waiting.shift();
      first.reject(first.signal.reason);
    }
  }
}
