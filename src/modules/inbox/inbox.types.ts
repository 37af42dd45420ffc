import type { LimitName } from '../../common/limit-names.js';
import type { CloseCode, Refusal } from '../../protocol/index.js';
import type { LogRow, Marks, RowHead, Totals } from './inbox-log.js';

/** What a reader needs of a durable row, the body being what it is shown. */
export type ReadableRow = Pick<LogRow, 'log' | 'n' | 'at' | 'key' | 'totals' | 'report' | 'body'>;

/** What somebody wants appended, before it has a number. What else a kind of draft carries is between it and its rules. */
export interface Draft {
  readonly key: string;
  readonly digest: string;
  readonly report: boolean;
}

/** A message for one node. */
export interface MessageDraft extends Draft {
  readonly kind: 'message';
  readonly body: string;
  /** Bytes of the body, UTF-8. */
  readonly bytes: number;
  /** Its sender may address a node that nobody has seen yet. */
  readonly makesKnown: boolean;
}

/** What an entry of a group leaves in the inbox of a member. */
export interface EntryDraft extends Draft {
  readonly kind: 'entry';
  /** The group's log, and the entry's number there. */
  readonly group: string;
  readonly entry: number;
  /** When the entry was appended to the group's log, ms since 1970. */
  readonly at: number;
  /** The entry's frame without numbers and time. */
  readonly frame: string;
}

export type InboxDraft = MessageDraft | EntryDraft;

/** What the rules say of one draft at one tail. */
export type Admission =
  | {
      readonly kind: 'row';
      readonly body: string;
      /** What it adds to the totals of the log. */
      readonly counts: Totals;
      /** It was not appended before this, ms since 1970. */
      readonly at?: number;
      /** What readers who are here are shown in place of the body. */
      readonly shown?: string;
      readonly open?: true;
      /** Only what was read in this turn may say so. */
      readonly fresh?: boolean;
      /** What follows it can be judged only when it is in the log. */
      readonly barrier?: boolean;
    }
  /** It is there, or has to be left out: there is nothing to append. */
  | { readonly kind: 'nothing'; readonly fresh?: boolean }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** How an append ended. `refused` with a retryable refusal means: not stored, or unknown. */
export type AppendOutcome =
  | { readonly kind: 'stored'; readonly row: LogRow }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** A log as a writer knows it at one tail. */
export interface LogView {
  readonly log: string;
  readonly tail: Tail;
  readonly marks: Marks;
  /** By group: the newest row of its seat in this inbox, those included that are about to be inserted. */
  seat(group: string): SeatState | undefined;
}

/** A log of which something waits to be appended. */
export interface WaitingLog<D extends Draft> {
  readonly log: string;
  readonly tail: Tail;
  readonly marks: Marks;
  /** What will go along first, at most `limit`. */
  drafts(limit: number): readonly D[];
  /** By group, valid at this tail. */
  readonly seats: Map<string, SeatState>;
}

/** The newest row of a group in an inbox. */
export interface SeatState {
  readonly entry: number;
  /** Number of the row in the inbox. */
  readonly n: number;
  /** Rows that wait there, it included: at most so many, exactly so many when counted at this tail. */
  readonly waiting: number;
  /** Up to where the inbox was read when they were counted; absent: they were not. */
  readonly countedAt?: number;
  readonly isGap: boolean;
}

/** What a kind of log lets in. The append loop asks; it decides nothing of this itself. */
export interface AppendRules<D extends Draft> {
  /** Asked while a log has no row: why this draft may not be its first. */
  first(log: string, draft: D): Promise<Refusal | undefined>;
  /** Reads what `admit` needs to know of the logs at their tails. */
  ready(logs: ReadonlyArray<WaitingLog<D>>): Promise<void>;
  /** Asked for each draft against the tail that it would follow; `undefined`: something is to be read before. */
  admit(view: LogView, draft: D): Admission | undefined;
  /** Told of durable rows, those of one log in their order. */
  appended(rows: readonly LogRow[]): void;
}

/** Where a reader's frames go: something with room, or without. */
export interface ReaderSink {
  /** How many bytes it wants now, 0 for none; when it wants some again, `InboxReader.pump` is to be called. */
  readonly room: number;
  send(frame: string): void;
  close(code: CloseCode): void;
  /** Its window holds something back; told once until it has caught up. */
  limited(limit: LimitName): void;
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
export interface Pending<D extends Draft> {
  readonly draft: D;
  readonly settle: (outcome: AppendOutcome) => void;
  /** Tells its row from everybody else's. */
  readonly writer: string;
  /** Monotonic ms. */
  readonly since: number;
  /** The latest turn that began while it waited. */
  turn?: Moment;
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
