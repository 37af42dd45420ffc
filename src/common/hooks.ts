import { Logger } from '@nestjs/common';
import type { Clock } from './clock.js';
import { FailureWave } from './failure-wave.js';

/** Takes back what it was answered for. Repeating it does nothing. */
export type Undo = () => void;

/** All hooks that decide about one thing have so long together, ms. */
export const DECISION_MS = 1_000;

/** What hooks do wrong is told once for a whole wave of it. */
function failuresAt(moment: string, clock: Clock): FailureWave {
  const logger = new Logger('Hooks');
  return new FailureWave(clock, (count, last) => logger.error(`${moment}: ${count} failed, the last with ${last}`));
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : `no error but ${typeof error}`;
}

/** Functions of others for one moment, in the order in which they were added. */
abstract class Hooks<Call> {
  /** Replaced, never changed: whoever goes through it keeps what it began with. */
  protected calls: ReadonlyArray<{ readonly call: Call }> = [];

  add(call: Call): Undo {
    const added = { call };
    this.calls = [...this.calls, added];
    return () => {
      this.calls = this.calls.filter((each) => each !== added);
    };
  }

  /** Whether anybody is to be asked or told. */
  get some(): boolean {
    return this.calls.length > 0;
  }
}

/** Hooks that are told of what happened, and change nothing about it. */
export class Observers<T> extends Hooks<(what: T) => unknown> {
  private readonly failures: FailureWave;

  constructor(moment: string, clock: Clock) {
    super();
    this.failures = failuresAt(moment, clock);
  }

  /** Never throws and waits for nobody. */
  tell(what: T): void {
    for (const { call } of this.calls) {
      try {
        const result = call(what);
        if (isPromise(result)) result.then(undefined, (error: unknown) => this.failures.add(reasonOf(error)));
      } catch (error) {
        this.failures.add(reasonOf(error));
      }
    }
  }
}

/** What a hook says of something that is about to happen: a refusal, or nothing. */
export type Ruling<R> = R | undefined | void | Promise<R | undefined | void>;

/** Hooks that may refuse something before it happens. Whatever goes wrong with one refuses it too. */
export class Deciders<T, R extends Error> extends Hooks<(what: T) => Ruling<R>> {
  private readonly failures: FailureWave;

  /** `refusalFrom`: makes a refusal of what a hook answered or threw; of a refusal, itself. */
  constructor(
    moment: string,
    private readonly clock: Clock,
    private readonly refusalFrom: (said: unknown) => R,
  ) {
    super();
    this.failures = failuresAt(moment, clock);
  }

  /** The first refusal, in the order of the hooks. A promise, which never rejects, only where a hook gave one. */
  ask(what: T): R | undefined | Promise<R | undefined> {
    const { calls } = this;
    try {
      for (const [index, { call }] of calls.entries()) {
        const said: unknown = call(what);
        if (isPromise(said)) return this.inTime(said, what, calls.slice(index + 1));
        if (said !== undefined) return this.refusal(said);
      }
      return undefined;
    } catch (error) {
      return this.refusal(error);
    }
  }

  private async inTime(first: PromiseLike<unknown>, what: T, others: typeof this.calls): Promise<R | undefined> {
    const asking = { isOver: false };
    const asked = askAll(first, what, others, asking);
    const said = await new Promise<unknown>((resolve) => {
      const tooLate = new Error(`no decision in ${DECISION_MS} ms`);
      const timer = this.clock.after(DECISION_MS, () => resolve(tooLate));
      const failed = (error: unknown): void => resolve(error ?? new Error('rejected with nothing'));
      asked.then(resolve, failed).finally(() => timer.cancel());
    });
    asking.isOver = true;
    return said === undefined ? undefined : this.refusal(said);
  }

  private refusal(said: unknown): R {
    const refusal = this.refusalFrom(said);
    if (refusal !== said) this.failures.add(reasonOf(said));
    return refusal;
  }
}

async function askAll<T>(
  first: PromiseLike<unknown>,
  what: T,
  others: ReadonlyArray<{ readonly call: (what: T) => unknown }>,
  asking: { readonly isOver: boolean },
): Promise<unknown> {
  let said = await first;
  for (const { call } of others) {
    if (said !== undefined || asking.isOver) break;
    said = await call(what);
  }
  return said;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
