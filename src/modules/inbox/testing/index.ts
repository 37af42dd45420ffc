export { inboxLogContract } from './inbox-log-contract.js';
export type { InboxLogHarness, OpenInboxLog } from './inbox-log-harness.js';
export { logRow, logRows, untilDone } from './log-rows.js';
export { type OpenStoreHealth, storeHealthContract } from './store-health-contract.js';
