import { Clock } from '../../src/common/clock.js';
import type { TestServer } from './test-server.js';

/**
 * To a server of this process no time passes until the answered function is called: no bucket fills, however long a busy
 * machine takes for some calls. Its timers go on.
 */
export function holdTime({ running }: TestServer): () => void {
  const clock = running.app.get(Clock, { strict: false });
  const held = clock.monotonic();
  Object.assign(clock, { monotonic: () => held });
  return () => void Reflect.deleteProperty(clock, 'monotonic');
}
