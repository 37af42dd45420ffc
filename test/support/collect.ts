import { SystemClock } from '../../src/common/clock.js';
import { InboxLog } from '../../src/modules/inbox/index.js';
import { Retention } from '../../src/modules/inbox/retention.js';
import type { TestServer } from './test-server.js';

const FOR_EVER = 1e12;

/** Raises the floor of an inbox over all that is acknowledged and drops it, as time would. */
export async function collectAcknowledged(server: TestServer, nodeId: string): Promise<void> {
  const log = server.running.app.get(InboxLog, { strict: false });
  const settings = { ageMs: FOR_EVER, ackedKeepMs: FOR_EVER, ackedKeepMessages: 0, dedupeMs: FOR_EVER };
  await new Retention(log, settings, new SystemClock()).collect(`n:${nodeId}`);
}
