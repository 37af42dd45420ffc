import type { Timers } from '../timers.js';

interface Timer {
  at: number;
  run: () => void;
}

/** Time that passes only when a test says so. */
export class ManualTimers implements Timers {
  #now = 1_000_000;
  readonly #pending = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  setTimeout(run: () => void, ms: number): unknown {
    const timer = { at: this.#now + ms, run };
    this.#pending.add(timer);
    return timer;
  }

  clearTimeout(handle: unknown): void {
    this.#pending.delete(handle as Timer);
  }

  get pending(): number {
    return this.#pending.size;
  }

  /** Resolves when something is due in exactly `ms`. */
  async planned(ms: number): Promise<void> {
    const isPlanned = (): boolean => [...this.#pending].some(({ at }) => at === this.#now + ms);
    while (!isPlanned()) await new Promise<void>((resolve) => void setImmediate(resolve));
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (let next = this.#nextBefore(end); next !== undefined; next = this.#nextBefore(end)) {
      this.#now = Math.max(this.#now, next.at);
      this.#pending.delete(next);
      next.run();
    }
    this.#now = end;
  }

  #nextBefore(end: number): Timer | undefined {
    return [...this.#pending].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
  }
}
