export abstract class InboxSettings {
  /** Unacknowledged messages that wait in one inbox. */
  abstract readonly maxMessages: number;
  /** Bytes of them. */
  abstract readonly maxBytes: number;
  /** Unacknowledged rows of one group in one inbox, then a gap. */
  abstract readonly seatMaxMessages: number;
  /** A message older than this (ms) is not delivered any more. */
  abstract readonly ageMs: number;
  /** Acknowledged messages stay readable for so long (ms) … */
  abstract readonly ackedKeepMs: number;
  /** … and at most so many of them. */
  abstract readonly ackedKeepMessages: number;
  /** How long (ms) a repeat of a message is known as one. */
  abstract readonly dedupeMs: number;
  /** How long (ms) a tail is believed without asking again. */
  abstract readonly tailTrustMs: number;
  /** What waited longer than this (ms) is refused and never carried out. */
  abstract readonly deadlineMs: number;
  /** The store is asked for what nobody hinted at each `pollMs` ± `pollJitterMs`. */
  abstract readonly pollMs: number;
  abstract readonly pollJitterMs: number;
  /** Unacknowledged messages and bytes in flight to one reader. */
  abstract readonly windowMessages: number;
  abstract readonly windowBytes: number;
}
