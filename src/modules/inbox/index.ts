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
export { InboxReader } from './inbox-reader.js';
export { InboxModule } from './inbox.module.js';
export { InboxService } from './inbox.service.js';
export { resumePoint } from './resume.js';
export type {
  Acknowledged,
  AppendOutcome,
  DeliveryReport,
  Draft,
  InboxState,
  ReaderSink,
  ResumePoint,
  ResumeRequest,
} from './inbox.types.js';
export { InboxSettings } from './inbox.settings.js';
export { StoreHealth } from './store-health.js';
