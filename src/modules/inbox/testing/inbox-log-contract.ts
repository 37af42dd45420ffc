import { describe } from 'vitest';
import { bothWays, type InboxLogHarness } from './inbox-log-harness.js';
import { insertContract } from './inbox-log-insert-contract.js';
import { readContract } from './inbox-log-read-contract.js';
import { retentionContract } from './inbox-log-retention-contract.js';
import { seatContract } from './inbox-log-seat-contract.js';

/** Every promise of the port `InboxLog`, to be run against an adapter. `open` makes an empty store. */
export function inboxLogContract(name: string, open: InboxLogHarness): void {
  describe.each(bothWays(open))(`InboxLog of ${name}, %s:`, (_, openLog) => {
    insertContract(openLog);
    readContract(openLog);
    retentionContract(openLog);
    seatContract(openLog);
  });
}
