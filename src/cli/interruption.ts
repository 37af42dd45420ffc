import { type Clock, SystemClock } from '../common/clock.js';
import { type OwnProcess, ownProcess } from './own-process.js';

/** One Ctrl-C reaches a program twice when npm or npx started it: from the terminal, and handed on by them. */
export const SAME_KEY_MS = 500;

/** Resolves at the first signal to end; at another one, later than the echo of the first, the process ends the hard way. */
export function interrupted(self: OwnProcess = ownProcess, clock: Clock = new SystemClock()): Promise<void> {
  let firstAt: number | undefined;
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      self.on(signal, () => {
        if (firstAt !== undefined && clock.monotonic() - firstAt >= SAME_KEY_MS) self.die(signal);
        firstAt ??= clock.monotonic();
        resolve();
      });
    }
  });
}
