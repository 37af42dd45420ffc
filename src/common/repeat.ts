import type { Clock, Timer } from './clock.js';

/** Does `work` again and again, each time `waitMs()` after the last one ended; cancelling never cuts one short. */
export function repeat(clock: Clock, waitMs: () => number, work: () => Promise<void>): Timer {
  let stopped = false;
  let timer: Timer | undefined;
  const next = (): void => {
    if (!stopped) timer = clock.after(waitMs(), () => void work().finally(next));
  };
  next();
  return {
    cancel: () => {
      stopped = true;
      timer?.cancel();
    },
  };
}
