/** Time, as the client sees it; tests pass their own. All values in ms; `now` never goes back. */
export interface Timers {
  now(): number;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
}

export const systemTimers: Timers = {
  // Not Date.now: a wall clock that is set back would silence the watch over the connection.
  now: () => globalThis.performance.now(),
  setTimeout: (run, ms) => globalThis.setTimeout(run, ms),
  clearTimeout: (handle) => globalThis.clearTimeout(handle as number),
};
