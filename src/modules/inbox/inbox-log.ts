import type { GroupDestination } from '../../protocol/index.js';

/**
 * What a log counts, summed from its first row: running sums are kept in the rows, so that "how much is waiting" is a
 * subtraction and never a scan.
 */
export interface Totals {
  readonly count: number;
  /** Bytes of the bodies, UTF-8. */
  readonly bytes: number;
}

export const NO_TOTALS: Totals = { count: 0, bytes: 0 };

/** A row without its body. */
export interface RowHead {
  /** Which log: see `inboxLogOf`. */
  readonly log: string;
  /** Its number there: contiguous from 1, at most 2^53 - 1. */
  readonly n: number;
  /** What makes it one message however often it is sent: unique in the log. */
  readonly key: string;
  /** Digest of type and payloads: tells a repeat from another message under the same key. */
  readonly digest: string;
  /** The append that wrote it, unique for ever: tells one's own row after a lost answer. */
  readonly writer: string;
  /** When it was appended, ms since 1970; never lower than that of the row before. */
  readonly at: number;
  /** Totals of the log up to and including this row. */
  readonly totals: Totals;
  /** Its sender wants to hear of the first acknowledgement. */
  readonly report: boolean;
}

export interface LogRow extends RowHead {
  /**
   * Of an inbox: JSON text of the frame without seq and timestamp, or a reference (see `entry-ref.ts`) to an entry of a
   * group. Of a group: the entry. Empty once it was dropped.
   */
  readonly body: string;
  /** An entry of a group that was not driven yet; its log is found by that. Not read back. */
  readonly open?: true;
}

/** The newest row that entries of one group have in one inbox. */
export interface SeatRow {
  /** Number of the entry in the group's log. */
  readonly entry: number;
  /** Number of the row in the inbox; 0 when the row was removed, which only a row below the floor is. */
  readonly n: number;
  /** Its reference; empty when it was dropped. */
  readonly body: string;
}

/** A group's place in an inbox. */
export interface Seat {
  /** The inbox. */
  readonly log: string;
  /** The group's log. */
  readonly group: string;
}

/** How far a log was acknowledged and from where it can still be read. */
export interface Marks {
  /** Highest acknowledged n; 0 at first. */
  readonly acked: number;
  /** Totals of the row `acked`. */
  readonly ackedTotals: Totals;
  /** Lowest n that may still be read; 1 at first. Raised before anything below it is dropped. */
  readonly floor: number;
  /** Totals of the row `floor - 1`. */
  readonly floorTotals: Totals;
}

export const NO_MARKS: Marks = { acked: 0, ackedTotals: NO_TOTALS, floor: 1, floorTotals: NO_TOTALS };

/** How far an insert got. */
export interface InsertOutcome {
  /** So many of the rows, counted from the first, are durable now. */
  readonly inserted: number;
  /** Why the next one is not: its n is taken (or its predecessor is missing), or its key is. One reason is named, both may hold. */
  readonly stoppedBy?: 'n' | 'key';
}

export interface ReadRange {
  /** Exclusive. */
  readonly after: number;
  /** Exclusive. */
  readonly before: number;
  /** Rows. */
  readonly limit: number;
  /** Bytes of bodies; at least one row is answered all the same. */
  readonly maxBytes: number;
  /** Take the last rows of the range instead of the first; ascending all the same. */
  readonly fromEnd?: boolean;
}

/** The store did not answer in its time, or is not there: what was asked may or may not have happened. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/** For work that is done again anyway: passes over a store that is away, and nothing else. */
export function passOverUnavailable(error: unknown): void {
  if (!(error instanceof StoreUnavailable)) throw error;
}

/** The id of the log that is the inbox of a node. Other kinds of log have other first letters. */
export function inboxLogOf(nodeId: string): string {
  return `n:${nodeId}`;
}

export function nodeOfInboxLog(log: string): string {
  return log.slice(2);
}

/** The id of the log of a session. */
export function sessionLogOf(sessionId: string): string {
  return `s:${sessionId}`;
}

/** The id of the log of a client. */
export function clientLogOf(clientId: string): string {
  return `c:${clientId}`;
}

/** The id of the log of what a node created under keys of its own choice. */
export function creationLogOf(nodeId: string): string {
  return `i:${nodeId}`;
}

export function isCreationLog(log: string): boolean {
  return log.startsWith('i:');
}

export function isInboxLog(log: string): boolean {
  return log.startsWith('n:');
}

/** What a group's log is the log of. */
export function destinationOfGroup(log: string): GroupDestination {
  const id = log.slice(2);
  return log.startsWith('s:') ? { kind: 'session', sessionId: id } : { kind: 'client', clientId: id };
}

/** What the keys of all rows begin with that entries of a group have in an inbox. */
export function entryKeyPrefix(group: string): string {
  return `g ${group} `;
}

/** Digits of an entry's number in a key: enough for 2^53. */
const KEY_DIGITS = 11;

/** The key of the row that an entry of a group has in an inbox: those of one group sort as their numbers do. */
export function entryKey(group: string, entry: number): string {
  return entryKeyPrefix(group) + entry.toString(36).padStart(KEY_DIGITS, '0');
}

/** What `entryKey` was made of, `undefined` for the key of anything else. */
export function entryOfKey(key: string): { readonly group: string; readonly entry: number } | undefined {
  if (!key.startsWith('g ')) return undefined;
  const end = key.lastIndexOf(' ');
  return { group: key.slice(2, end), entry: parseInt(key.slice(end + 1), 36) };
}

/**
 * The durable log. An adapter stores and finds; it decides nothing: what may be appended, when something is dropped
 * and what a conflict means are the caller's rules. Every method rejects with `StoreUnavailable` within the store's
 * deadline when no answer can be had. Every read sees all that was answered as durable to anybody before it began,
 * and nothing that is not durable.
 */
export abstract class InboxLog {
  /** Rows that one `insert` takes at most. */
  abstract readonly maxBatch: number;
  /** How many inserts may usefully run at once. */
  abstract readonly lanes: number;

  /**
   * Inserts rows in their order, rows of one log being consecutive and ascending. Stops at the first row whose (log, n)
   * or (log, key) exists or whose predecessor does not; nothing behind it is inserted. Durable when it resolves.
   * After a rejection the outcome is unknown: look with `findKeys`.
   */
  abstract insert(rows: readonly LogRow[]): Promise<InsertOutcome>;

  /** The newest row of each log, `undefined` for an empty one; same order as asked. */
  abstract newest(logs: readonly string[]): Promise<Array<RowHead | undefined>>;

  /** The row under each key of one log, `undefined` where there is none; same order as asked. Sees only what is durable. */
  abstract findKeys(log: string, keys: readonly string[]): Promise<Array<RowHead | undefined>>;

  /** Rows of a range, ascending. Rows that were removed are left out, dropped ones have an empty body. */
  abstract read(log: string, range: ReadRange): Promise<LogRow[]>;

  /** The rows that exist at exactly these places, in any order. One query, however many points. */
  abstract at(points: ReadonlyArray<{ readonly log: string; readonly n: number }>): Promise<LogRow[]>;

  /** Lowest n whose `at` is later than `time`, `undefined` when there is none. */
  abstract firstAfter(log: string, time: number): Promise<number | undefined>;

  /** The marks of each log, `NO_MARKS` where none were set; same order as asked. */
  abstract marks(logs: readonly string[]): Promise<Marks[]>;

  /**
   * Raises acknowledged numbers, never lowers one; all are durable when it resolves. Answers what each was before, same
   * order.
   */
  abstract raiseAcked(
    acks: ReadonlyArray<{ readonly log: string; readonly acked: number; readonly ackedTotals: Totals }>,
  ): Promise<number[]>;

  /** Raises the floor, never lowers it; durable when it resolves. */
  abstract raiseFloor(log: string, floor: number, floorTotals: Totals): Promise<void>;

  /** Empties the bodies of all rows below n; the rows stay. Bounded work a call; answers whether there is more. */
  abstract dropBodies(log: string, below: number): Promise<boolean>;

  /**
   * Removes rows from the log's beginning that are below n and older than `writtenBefore`, never the newest of the log.
   * Of what entries of a group had there the highest number stays known for ever (`seats`). Bounded work a call; answers
   * whether there is more.
   */
  abstract removeRows(log: string, below: number, writtenBefore: number): Promise<boolean>;

  /**
   * The newest row of each seat, `undefined` where an entry of that group never had one; same order as asked. One query,
   * however many seats.
   */
  abstract seats(asked: readonly Seat[]): Promise<Array<SeatRow | undefined>>;

  /** How many rows behind `above` (exclusive) a seat has; counts no further than `limit`. */
  abstract countOfSeat(seat: Seat, above: number, limit: number): Promise<number>;

  /** Ids of logs that have rows, ascending, behind `after` (exclusive; '' for the first). */
  abstract logs(after: string, limit: number): Promise<string[]>;

  /** Names this history: another value after the store was lost, restored or renewed. */
  abstract epoch(): Promise<string>;
}
