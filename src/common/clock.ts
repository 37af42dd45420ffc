/** Handle of a scheduled call; `cancel` is idempotent. */
export interface Timer {
  cancel(): void;
}

/**
 * Time as a dependency. Everything that waits, expires or measures asks here, so that tests move time by hand.
 * `now` is wall time in ms since 1970 (it may step); `monotonic` is ms from an arbitrary start and never goes back.
 */
export abstract class Clock {
  abstract now(): number;
  abstract monotonic(): number;
  /** Calls once after `ms`; never keeps the process alive. */
  abstract after(ms: number, call: () => void): Timer;
  /** Calls each `ms` until cancelled; never keeps the process alive. */
  abstract every(ms: number, call: () => void): Timer;

  /** Resolves after `ms`. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve));
  }
}

/**
 * A clock whose `now` is the store's, the same for all processes on it however wrong the clocks of their hosts are. What was
 * stored is dated by it, and how old it is: never by `Clock` itself.
 */
export abstract class StoreClock extends Clock {}

export class SystemClock extends Clock {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  after(ms: number, call: () => void): Timer {
    const handle = setTimeout(call, ms).unref();
    return { cancel: () => clearTimeout(handle) };
  }

  every(ms: number, call: () => void): Timer {
    const handle = setInterval(call, ms).unref();
    return { cancel: () => clearInterval(handle) };
  }
}

interface Appointment {
  at: number;
  readonly period?: number;
  readonly call: () => void;
}

/** A clock that stands still until `advance` is called. */
export class ManualClock extends Clock {
  private readonly appointments = new Set<Appointment>();
  private elapsed = 0;

  constructor(private wall = 1_700_000_000_000) {
    super();
  }

  now(): number {
    return this.wall;
  }

  monotonic(): number {
    return this.elapsed;
  }

  after(ms: number, call: () => void): Timer {
    return this.schedule({ at: this.elapsed + ms, call });
  }

  every(ms: number, call: () => void): Timer {
    return this.schedule({ at: this.elapsed + ms, period: ms, call });
  }

  /** How many calls are waiting: a test for leaked timers. */
  get waiting(): number {
    return this.appointments.size;
  }

  /** Moves both times on by `ms` and makes the calls that fall due, in their order; what a jump passed over, once. */
  advance(ms: number): void {
    const end = this.elapsed + ms;
    for (let next = this.earliest(end); next; next = this.earliest(end)) {
      this.moveTo(next.at);
      if (next.period === undefined) this.appointments.delete(next);
      else next.at = this.elapsed + next.period;
      next.call();
    }
    this.moveTo(end);
  }

  /** Moves both times without making any call, as a suspended process sees it. */
  jump(ms: number): void {
    this.moveTo(this.elapsed + ms);
  }

  private schedule(appointment: Appointment): Timer {
    this.appointments.add(appointment);
    return { cancel: () => void this.appointments.delete(appointment) };
  }

  private earliest(end: number): Appointment | undefined {
    let first: Appointment | undefined;
    for (const each of this.appointments) if (each.at <= end && (!first || each.at < first.at)) first = each;
    return first;
  }

  private moveTo(elapsed: number): void {
    const step = Math.max(0, elapsed - this.elapsed);
    this.wall += step;
    this.elapsed += step;
  }
}
