export { AllsparkClient } from './client.js';
export { type LostEntries } from './catch-up.js';
export { type SocketConstructor, type SocketLike } from './connection.js';
export { AllsparkError, type ErrorDetails } from './errors.js';
export {
  type Destination,
  type Gap,
  type Gone,
  type GroupEntry,
  type Hello,
  type HistoryPage,
  type HistoryRange,
  type InboxEntry,
  type InboxPage,
  type InboxRange,
  type Message,
  type OutgoingMessage,
  type SessionEvent,
} from './frames.js';
export { type AuthKey, type FetchLike, type HttpAnswer } from './http.js';
export { rawField } from './json-slices.js';
export { type ClientOptions, type ClientState, newId, type StatusEvent } from './options.js';
export { type OutboxSettings, type Receipt } from './outbox.js';
export { type GroupPosition, type Position, type ReceiverSettings } from './receiver.js';
export {
  type NewMember,
  type NewSession,
  type Session,
  type SessionList,
  type SessionMember,
  type SessionSummary,
} from './sessions.js';
export { type Timers } from './timers.js';
