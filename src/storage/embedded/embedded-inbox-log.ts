import {
  InboxLog,
  type InsertOutcome,
  type LogRow,
  type Marks,
  type ReadRange,
  type RowHead,
  type Seat,
  type SeatRow,
  type Totals,
} from '../../modules/inbox/index.js';
import { type Acknowledgement, EmbeddedMarks } from './embedded-marks.js';
import { EmbeddedSeats } from './embedded-seats.js';
import type { EmbeddedStore } from './embedded-store.js';
import { checkKey } from './index-keys.js';
import { OpenEntries } from './open-entries.js';

/** Rows that one call of the garbage collector touches. */
const COLLECT_ROWS = 256;

/** The logs in the journal of an embedded store. */
export class EmbeddedInboxLog extends InboxLog {
  readonly maxBatch: number;
  readonly lanes = 1;
  private readonly stored: EmbeddedMarks;
  private readonly seatRows: EmbeddedSeats;
  private readonly openEntries: OpenEntries;

  constructor(private readonly store: EmbeddedStore) {
    super();
    this.maxBatch = store.settings.commitRows;
    this.stored = new EmbeddedMarks(store.binary('marks'));
    this.seatRows = new EmbeddedSeats(store);
    this.openEntries = new OpenEntries(store.json('open-entries'));
  }

  async insert(rows: readonly LogRow[]): Promise<InsertOutcome> {
    if (rows.length > this.maxBatch) throw new RangeError(`at most ${this.maxBatch} rows`);
    for (const row of rows) checkKey(row.log, row.key);
    return this.store.writes.run(rows.length, () => this.append(rows));
  }

  private append(rows: readonly LogRow[]): InsertOutcome {
    for (const [inserted, row] of rows.entries()) {
      const stoppedBy = this.store.journal.append(row);
      if (stoppedBy) return { inserted, stoppedBy };
      if (row.open) this.openEntries.add(row.log, row.n);
    }
    return { inserted: rows.length };
  }

  newest(logs: readonly string[]): Promise<Array<RowHead | undefined>> {
    const { journal } = this.store;
    return this.readNow(() => logs.map((log) => this.headAt(journal.newest(log)?.position)));
  }

  findKeys(log: string, keys: readonly string[]): Promise<Array<RowHead | undefined>> {
    const { journal } = this.store;
    return this.readNow(() => keys.map((key) => this.headAt(journal.positionOfKey(log, key))));
  }

  private headAt(position: number | undefined): RowHead | undefined {
    return position === undefined ? undefined : this.store.journal.head(position);
  }

  read(log: string, range: ReadRange): Promise<LogRow[]> {
    return this.readNow(() => this.rowsOf(log, range));
  }

  private rowsOf(log: string, range: ReadRange): LogRow[] {
    const { journal } = this.store;
    const first = Math.max(range.after + 1, journal.first(log) ?? Infinity);
    const last = Math.min(range.before - 1, journal.newest(log)?.n ?? 0);
    const positionOf = journal.positionsOf(log);
    const rows: LogRow[] = [];
    let bytes = 0;
    for (let i = 0; i <= last - first && rows.length < range.limit; i++) {
      const position = positionOf(range.fromEnd ? last - i : first + i);
      const row = position === undefined ? undefined : journal.encoded(position);
      if (!row) continue;
      bytes += row.bodyBytes;
      if (rows.length > 0 && bytes > range.maxBytes) break;
      rows.push(row.row());
    }
    return range.fromEnd ? rows.toReversed() : rows;
  }

  private encodedAt(log: string, n: number) {
    const position = this.store.journal.position(log, n);
    return position === undefined ? undefined : this.store.journal.encoded(position);
  }

  at(points: ReadonlyArray<{ readonly log: string; readonly n: number }>): Promise<LogRow[]> {
    return this.readNow(() => {
      const rows: LogRow[] = [];
      for (const { log, n } of points) {
        const isThere = n <= (this.store.journal.newest(log)?.n ?? 0);
        const row = isThere ? this.encodedAt(log, n)?.row() : undefined;
        if (row) rows.push(row);
      }
      return rows;
    });
  }

  firstAfter(log: string, time: number): Promise<number | undefined> {
    return this.readNow(() => {
      const { journal } = this.store;
      let low = journal.first(log) ?? 1;
      let high = (journal.newest(log)?.n ?? 0) + 1;
      const end = high;
      while (low < high) {
        const middle = low + Math.floor((high - low) / 2);
        if ((this.encodedAt(log, middle)?.at ?? -Infinity) > time) high = middle;
        else low = middle + 1;
      }
      return low < end ? low : undefined;
    });
  }

  marks(logs: readonly string[]): Promise<Marks[]> {
    return this.readNow(() =>
      logs.map((log) => {
        const { acked, ackedTotals, floor, floorTotals } = this.stored.of(log);
        return { acked, ackedTotals, floor, floorTotals };
      }),
    );
  }

  async raiseAcked(acks: readonly Acknowledgement[]): Promise<number[]> {
    const commits: Array<Promise<number[]>> = [];
    for (let i = 0; i < acks.length; i += this.maxBatch) {
      const chunk = acks.slice(i, i + this.maxBatch);
      commits.push(this.store.writes.run(chunk.length, () => chunk.map((ack) => this.stored.raiseAcked(ack))));
    }
    return (await Promise.all(commits)).flat();
  }

  raiseFloor(log: string, floor: number, floorTotals: Totals): Promise<void> {
    return this.store.writes.run(1, () => this.stored.raiseFloor(log, floor, floorTotals));
  }

  dropBodies(log: string, below: number): Promise<boolean> {
    return this.store.writes.run(COLLECT_ROWS, () => {
      const { journal } = this.store;
      const from = Math.max(this.stored.of(log).emptiedBelow, journal.first(log) ?? Infinity);
      const end = Math.min(below, (journal.newest(log)?.n ?? 0) + 1);
      const stop = Math.min(end, from + COLLECT_ROWS);
      for (let n = from; n < stop; n++) journal.dropBody(journal.position(log, n)!);
      this.stored.raiseEmptied(log, stop);
      return stop < end;
    });
  }

  async removeRows(log: string, below: number, writtenBefore: number): Promise<boolean> {
    // Only what the index has may be removed: see Journal.
    if (!this.store.read(() => this.isFirstMerged(log))) await this.store.merger.merge();
    return this.store.writes.run(COLLECT_ROWS, () => this.removeFirst(log, below, writtenBefore));
  }

  private isFirstMerged(log: string): boolean {
    const { journal } = this.store;
    const first = journal.first(log);
    return first === undefined || journal.position(log, first)! <= journal.index.mergedUpTo();
  }

  private removeFirst(log: string, below: number, writtenBefore: number): boolean {
    const { journal } = this.store;
    const merged = journal.index.mergedUpTo();
    const first = journal.first(log) ?? Infinity;
    const end = Math.min(below, journal.newest(log)?.n ?? 0);
    const removed: Array<{ key: string }> = [];
    for (let n = first; n < end && removed.length < COLLECT_ROWS; n++) {
      const position = journal.position(log, n)!;
      const row = journal.encoded(position)!;
      if (row.at >= writtenBefore) return this.forget(log, removed, first, false);
      if (position > merged) break;
      removed.push({ key: row.key });
      journal.remove(position);
    }
    return this.forget(log, removed, first, first + removed.length < end);
  }

  private forget(log: string, removed: ReadonlyArray<{ key: string }>, first: number, isMore: boolean): boolean {
    if (removed.length === 0) return isMore;
    this.seatRows.remember(log, removed);
    this.store.journal.index.forget(log, removed, first + removed.length);
    return isMore;
  }

  seats(asked: readonly Seat[]): Promise<Array<SeatRow | undefined>> {
    return this.readNow(() => asked.map((seat) => this.seatRows.of(seat)));
  }

  countOfSeat({ log, group }: Seat, above: number, limit: number): Promise<number> {
    return this.readNow(() => this.store.journal.countOfSeat(log, group, above, limit));
  }

  logs(after: string, limit: number): Promise<string[]> {
    return this.readNow(() => this.store.journal.logs(after, limit));
  }

  async epoch(): Promise<string> {
    return this.store.epoch();
  }

  private async readNow<T>(work: () => T): Promise<T> {
    return this.store.read(work);
  }
}
