export { CLOSE, CLOSE_REASON_BYTES, closeReason, invitesBack, type CloseCode } from './close-codes.js';
export { isRetryable, REFUSALS, type RefusalCode } from './codes.js';
export { connectUrl, type ConnectPlace } from './connect-url.js';
export { MAX_TYPE, RESERVED_TYPES, TYPE } from './control-types.js';
export { decodeBatchElement, decodeFrame, FrameRefusal, inboxQuery, type DecodeLimits } from './decoder.js';
export {
  deliveredFrame,
  isReceipt,
  durableFrame,
  entryPageJson,
  eventBody,
  gapBody,
  goneFrame,
  groupBody,
  helloFrame,
  hereFrame,
  inboxPageFrame,
  inboxPageJson,
  isGapBody,
  messageBody,
  moveFrame,
  offlineFrame,
  receiptFrame,
  refusalFrame,
  transientFrame,
  type EntryPage,
  type Hello,
  type InboxPage,
  type Source,
} from './encoder.js';
export { ADDRESS_WANTED, ID_WANTED, isChosenId, isId } from './identifier.js';
export { endOfString, parseJson, refuseDepth, slices, type Slice } from './json-scanner.js';
export type { ClientFrame, Destination, GroupDestination, InboxQuery, Message } from './message.js';
export { PROBLEM_MEDIA_TYPE, problemHeaders, problemOf, problemResponse, type ProblemDocument } from './problem.js';
export { type FieldFault, MAX_FIELD_FAULTS, Refusal, refusalFrom, type RefusalDetail } from './refusal.js';
