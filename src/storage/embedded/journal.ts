import type { LogRow, RowHead } from '../../modules/inbox/index.js';
import type { BinaryTable, BinaryTables, Meta } from './environment.js';
import { countFrom, Generation, type Place } from './generation.js';
import { MergedIndex, type Run } from './merged-index.js';
import { EncodedRow, encodeRow } from './row-codec.js';

/**
 * All logs in one table, in the order of their commits, under a rising position. Where a row lies is known from the
 * merged index up to some position, and from memory behind it. Rows that the index lacks are never removed, so what
 * lies behind it has no holes, and the last row of all is the newest of its log, so no position is used twice.
 */
export class Journal {
  readonly index: MergedIndex;
  private readonly rows: BinaryTable;
  private current = new Generation();
  private frozen: Generation | undefined;
  /** Rows of the running transaction: nobody but it may see them before its commit. */
  private staged = new Generation();
  private stagedRows: Array<{ readonly log: string; readonly n: number; readonly key: string }> = [];
  private stagedAfter = 0;
  /** All up to this position is known here. */
  private last = 0;
  private bytes = 0;

  constructor(openTable: BinaryTables, meta: Meta) {
    this.rows = openTable('journal');
    this.index = new MergedIndex(openTable, meta);
  }

  /** Rows in memory that wait to be merged, without those being merged now. */
  get unmerged(): number {
    return this.current.rows;
  }

  /** Bytes of rows that this process appended so far. */
  get appendedBytes(): number {
    return this.bytes;
  }

  /** Some of it is set aside to be merged. */
  get isFrozen(): boolean {
    return this.frozen !== undefined;
  }

  /** Takes note of what others committed, and of what they merged. */
  catchUp(): void {
    const merged = this.index.mergedUpTo();
    if (merged >= this.last) this.restartFrom(merged);
    else if (this.frozen && this.frozen.end <= merged) this.frozen = undefined;
    for (let row = this.encoded(this.last + 1); row; row = this.encoded(this.last + 1)) {
      this.last += 1;
      this.current.add(row.log, row.n, row.key, this.last);
    }
  }

  private restartFrom(position: number): void {
    this.last = position;
    this.frozen = undefined;
    if (this.current.rows > 0) this.current = new Generation();
  }

  /** To be called first in each write transaction. */
  begin(): void {
    this.catchUp();
    this.stagedAfter = this.last;
  }

  /** To be called last in each write transaction. */
  end(): void {
    if (this.staged.rows > 0) this.staged = new Generation();
  }

  /** To be called when the write transaction is on the disk. */
  committed(): void {
    let position = this.stagedAfter;
    for (const row of this.stagedRows) {
      position += 1;
      // A read may have found it in the journal already.
      if (position <= this.last) continue;
      this.last = position;
      this.current.add(row.log, row.n, row.key, position);
    }
    this.stagedRows = [];
  }

  /** Inside a write transaction: adds the row, or says why not. */
  append(row: LogRow): 'n' | 'key' | undefined {
    if (row.n !== (this.newest(row.log)?.n ?? 0) + 1) return 'n';
    if (this.positionOfKey(row.log, row.key) !== undefined) return 'key';
    const position = this.stagedAfter + this.stagedRows.length + 1;
    const encoded = encodeRow(row);
    this.bytes += encoded.length;
    void this.rows.put(positionKey(position), encoded);
    this.staged.add(row.log, row.n, row.key, position);
    this.stagedRows.push({ log: row.log, n: row.n, key: row.key });
    return undefined;
  }

  newest(log: string): Place | undefined {
    return (
      this.staged.newest(log) ?? this.current.newest(log) ?? this.frozen?.newest(log) ?? this.index.extent(log)?.newest
    );
  }

  /** Lowest n of the log that was not removed. */
  first(log: string): number | undefined {
    return this.index.extent(log)?.first ?? this.partFirst(log);
  }

  private partFirst(log: string): number | undefined {
    const part = this.frozen?.parts.get(log) ?? this.current.parts.get(log) ?? this.staged.parts.get(log);
    return part?.firstN;
  }

  position(log: string, n: number): number | undefined {
    return this.remembered(log, n) ?? this.index.position(log, n);
  }

  /** As `position`, for many neighbours in one turn: the index is asked once for all that lie together in it. */
  positionsOf(log: string): (n: number) => number | undefined {
    let run: Run | undefined;
    return (n) => {
      const remembered = this.remembered(log, n);
      if (remembered !== undefined) return remembered;
      const position = run?.position(n);
      if (position !== undefined) return position;
      run = this.index.run(log, n);
      return run?.position(n);
    };
  }

  private remembered(log: string, n: number): number | undefined {
    return this.staged.position(log, n) ?? this.current.position(log, n) ?? this.frozen?.position(log, n);
  }

  /** Memory may still know a key whose row was removed meanwhile: the row itself decides. */
  positionOfKey(log: string, key: string): number | undefined {
    const staged = this.staged.positionOfKey(log, key);
    if (staged !== undefined) return staged;
    const remembered = this.current.positionOfKey(log, key) ?? this.frozen?.positionOfKey(log, key);
    if (remembered === undefined) return this.index.positionOfKey(log, key);
    return this.rows.doesExist(positionKey(remembered)) ? remembered : undefined;
  }

  /** Position of the newest row that a group's entries had in an inbox; that row may be removed, and then they all are. */
  newestOfSeat(log: string, group: string): number | undefined {
    return (
      this.current.seat(log, group).at(-1) ??
      this.frozen?.seat(log, group).at(-1) ??
      this.index.newestOfSeat(log, group)
    );
  }

  /** Rows that a group's entries have in an inbox behind `above`, counted no further than `limit`. */
  countOfSeat(log: string, group: string, above: number, limit: number): number {
    const firstN = Math.max(above + 1, this.first(log) ?? Infinity);
    if (firstN > (this.newest(log)?.n ?? 0)) return 0;
    const from = this.position(log, firstN)!;
    const seats = [this.frozen?.seat(log, group) ?? [], this.current.seat(log, group)];
    const inMemory = seats.reduce((sum, seat) => sum + countFrom(seat, from), 0);
    // A merge under way has put some of what is in memory into the index as well.
    const before = seats.flatMap((seat) => seat.slice(0, 1))[0] ?? Infinity;
    if (inMemory >= limit || before <= from) return Math.min(inMemory, limit);
    const newestKey = before === Infinity ? undefined : this.encoded(before)?.key;
    return inMemory + this.index.countOfSeat(log, group, { from, before, limit: limit - inMemory, newestKey });
  }

  head(position: number): RowHead | undefined {
    return this.encoded(position)?.head();
  }

  /** The row as it lies there; good until the next read. */
  encoded(position: number): EncodedRow | undefined {
    const bytes = this.rows.getBinaryFast(positionKey(position));
    if (!bytes) return undefined;
    const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes);
    return new EncodedRow(buffer, bytes.length);
  }

  /** Inside a write transaction. */
  dropBody(position: number): void {
    const row = this.encoded(position);
    if (row && row.bodyBytes > 0) void this.rows.put(positionKey(position), row.withoutBody());
  }

  /** Inside a write transaction, and only for a row that the index has. */
  remove(position: number): void {
    void this.rows.remove(positionKey(position));
  }

  /** Ids of logs behind `after`, ascending by their bytes. */
  logs(after: string, limit: number): string[] {
    const found = new Set(this.index.logs(after, limit));
    for (const generation of [this.frozen, this.current]) {
      for (const log of generation?.parts.keys() ?? []) if (compareBytes(log, after) > 0) found.add(log);
    }
    return [...found].sort(compareBytes).slice(0, limit);
  }

  /** Sets what is in memory aside for a merge, or answers what is set aside already; `undefined` for nothing. */
  freeze(): Generation | undefined {
    if (!this.frozen && this.current.rows > 0) {
      this.frozen = this.current;
      this.current = new Generation();
    }
    return this.frozen;
  }

  /** Forgets what was frozen, the index having it now. */
  thaw(merged: Generation): void {
    if (this.frozen === merged) this.frozen = undefined;
  }
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

const keyScratch = Buffer.alloc(8);

function positionKey(position: number): Buffer {
  keyScratch.writeUInt32BE(Math.floor(position / 2 ** 32), 0);
  keyScratch.writeUInt32BE(position % 2 ** 32, 4);
  return keyScratch;
}
