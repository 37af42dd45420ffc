import { Clock } from '../../src/common/clock.js';
import type { TestServer } from './test-server.js';

/**
 * To a server of this process no time passes any more: no bucket fills, however long a busy machine takes for some calls.
 * Its timers go on.
 */
export function holdTime({ running }: TestServer): void {
  const clock = running.app.get(Clock, { strict: false });
  const held = clock.monotonic();
  clock.monotonic = () => held;
}
