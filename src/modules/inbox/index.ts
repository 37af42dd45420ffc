export type { AppendOutcome, Draft } from './append-rules.js';
export {
  InboxLog,
  type InsertOutcome,
  inboxLogOf,
  type LogRow,
  type Marks,
  NO_MARKS,
  NO_TOTALS,
  nodeOfInboxLog,
  type ReadRange,
  type RowHead,
  StoreUnavailable,
  type Totals,
} from './inbox-log.js';
export { type Acknowledged, InboxReader, type ReaderSink } from './inbox-reader.js';
export { InboxModule } from './inbox.module.js';
export { type DeliveryReport, InboxService, type InboxState } from './inbox.service.js';
export { type ResumePoint, resumePoint, type ResumeRequest } from './resume.js';
export { InboxSettings } from './inbox.settings.js';
export { StoreHealth } from './store-health.js';
