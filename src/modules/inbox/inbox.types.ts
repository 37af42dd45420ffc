import type { CloseCode, Refusal } from '../../protocol/index.js';
import type { LogRow, Marks, RowHead, Totals } from './inbox-log.js';

/** What somebody wants appended, before it has a number. */
export interface Draft {
  readonly key: string;
  readonly digest: string;
  readonly body: string;
  /** Bytes of the body, UTF-8. */
  readonly bytes: number;
  readonly report: boolean;
  /** Its sender may address a node that nobody has seen yet. */
  readonly makesKnown: boolean;
}

/** How an append ended. `refused` with a retryable refusal means: not stored, or unknown. */
export type AppendOutcome =
  | { readonly kind: 'stored'; readonly row: LogRow }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** A log as a writer knows it at one tail. */
export interface LogView {
  readonly totals: Totals;
  readonly marks: Marks;
}

/** What a kind of log lets in. The append loop asks; it decides nothing of this itself. */
export interface AppendRules {
  /** Asked while a log has no row: why this draft may not be its first. */
  first(log: string, draft: Draft): Promise<Refusal | undefined>;
  /** Asked for each draft against the tail that it would follow. */
  admit(view: LogView, draft: Draft): Refusal | undefined;
  /** Told of durable rows, those of one log in their order. */
  appended(rows: readonly LogRow[]): void;
}

/** Where a reader's frames go: something with room, or without. */
export interface ReaderSink {
  /** Whether it wants more now; when it does again, `InboxReader.pump` is to be called. */
  readonly writable: boolean;
  send(frame: string): void;
  close(code: CloseCode): void;
}

/** What an acknowledgement up to `seq` covers, as far as this reader knows. */
export interface Acknowledged {
  readonly seq: number;
  /** Of the row `seq`; unknown when some of what is covered was not in flight here. */
  readonly totals?: Totals;
  /** n and key of the rows whose senders want to hear of it. */
  readonly reports: ReadonlyMap<number, string>;
}

/** An acknowledgement on its way into the store. */
export interface Ack {
  readonly acked: number;
  readonly ackedTotals: Totals;
  readonly reports: ReadonlyMap<number, string>;
}

/** Where an inbox stands. */
export interface InboxState {
  readonly epoch: string;
  readonly floorSeq: number;
  readonly tailSeq: number;
  readonly ackedSeq: number;
  /** Messages that wait. */
  readonly pending: number;
  readonly marks: Marks;
}

/** A row whose sender wants to hear that it was acknowledged. */
export interface DeliveryReport {
  readonly nodeId: string;
  readonly key: string;
}

/** What a client says that it has: everything up to `lastSeq` of the history `epoch`. */
export interface ResumeRequest {
  readonly epoch: string;
  readonly lastSeq: number;
}

export interface ResumePoint {
  /** Delivery begins behind it. */
  readonly after: number;
  readonly resumed: boolean;
  readonly reason?: 'insufficient_state';
  /** The same history, but the client saw more of it than there is: the store was probably set back. */
  readonly suspectedRollback: boolean;
}

/** A draft that waits for its number. */
export interface Pending {
  readonly draft: Draft;
  readonly settle: (outcome: AppendOutcome) => void;
  /** Tells its row from everybody else's. */
  readonly writer: string;
  /** Monotonic ms. */
  readonly since: number;
  /** The turn in which the store was last asked for its key, the tail being fresh, and had none. */
  missedIn?: Moment;
}

/** When something was asked, and how often the process had stood still by then. */
export interface Moment {
  readonly at: number;
  readonly stalls: number;
}

/** The end of a log, as far as the next row depends on it. */
export type Tail = Pick<RowHead, 'n' | 'at' | 'totals'>;

/** The last turn of a lane: when it ended (monotonic ms) and how long it took. */
export interface Turn {
  readonly ended: number;
  readonly took: number;
}
