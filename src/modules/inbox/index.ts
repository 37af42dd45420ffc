export { AppendLoop } from './append-loop.js';
export { entryBody, frameOfEntry, knownOfEntry } from './entry-ref.js';
export {
  clientLogOf,
  creationLogOf,
  entryKey,
  entryKeyPrefix,
  entryOfKey,
  InboxLog,
  type InsertOutcome,
  inboxLogOf,
  type LogRow,
  type Marks,
  NO_MARKS,
  NO_TOTALS,
  nodeOfInboxLog,
  passOverUnavailable,
  type ReadRange,
  type RowHead,
  type Seat,
  type SeatRow,
  sessionLogOf,
  StoreUnavailable,
  type Totals,
} from './inbox-log.js';
export { InboxReader } from './inbox-reader.js';
export { type Delivered, InboxHooks } from './inbox.hooks.js';
export { InboxModule } from './inbox.module.js';
export { InboxService } from './inbox.service.js';
export { resumePoint } from './resume.js';
export type {
  Acknowledged,
  Admission,
  AppendOutcome,
  AppendRules,
  DeliveryReport,
  Draft,
  EntryDraft,
  InboxDraft,
  InboxState,
  LogView,
  MessageDraft,
  ReadableRow,
  ReaderSink,
  ResumePoint,
  ResumeRequest,
  WaitingLog,
} from './inbox.types.js';
export { InboxSettings } from './inbox.settings.js';
export { StoreHealth } from './store-health.js';
