import { entryKeyPrefix } from '../../modules/inbox/index.js';
import type { BinaryTable, BinaryTables, Meta } from './environment.js';
import type { Generation, LogPart, Place } from './generation.js';
import { behindKeys, logKey, messageKey, nOfPlaceKey, placeKey } from './index-keys.js';

/** Which rows a log has. */
export interface Extent {
  /** Lowest n. */
  readonly first: number;
  readonly newest: Place;
}

/**
 * One entry to write: the smallest unit that a merge may stop behind. It is told how far others merged already: what
 * they merged they may have removed again since, and it must not come back.
 */
export type Entry = (merged: number) => void;

/** Which rows of a seat to count. */
export interface SeatRange {
  /** Positions, the second exclusive. */
  readonly from: number;
  readonly before: number;
  readonly limit: number;
  /** No row of the range has a key behind it. */
  readonly newestKey?: string | undefined;
}

const RUN_ROWS = 256;
const POSITION_BYTES = 6;
const MERGED = 'merged';
const MERGING = 'merging';

/** Who merges now, and up to which position. */
export interface MergeClaim {
  readonly by: string;
  readonly upTo: number;
}

/** Positions of neighbouring rows of one log. */
export class Run {
  constructor(
    private readonly first: number,
    private readonly positions: Buffer,
  ) {}

  position(n: number): number | undefined {
    const offset = (n - this.first) * POSITION_BYTES;
    return offset >= 0 && offset < this.positions.length
      ? this.positions.readUIntBE(offset, POSITION_BYTES)
      : undefined;
  }
}

/**
 * Where the rows of the journal lie, up to one position. Written in strides and in the order of its keys, because
 * an entry on its own costs a page. Places are kept in runs: the positions of up to 256 rows of a log, under the n
 * of the first.
 */
export class MergedIndex {
  private readonly places: BinaryTable;
  private readonly keys: BinaryTable;
  private readonly extents: BinaryTable;

  constructor(
    openTable: BinaryTables,
    private readonly meta: Meta,
  ) {
    this.places = openTable('places');
    this.keys = openTable('keys');
    this.extents = openTable('logs');
  }

  mergedUpTo(): number {
    return Number(this.meta.get(MERGED) ?? 0);
  }

  /** Inside a write transaction, once every row up to there is in the index. */
  setMergedUpTo(position: number): void {
    if (position > this.mergedUpTo()) void this.meta.put(MERGED, position);
  }

  /** The latest claim, whether that merge is finished or not. */
  claim(): MergeClaim | undefined {
    return this.meta.get(MERGING) as MergeClaim | undefined;
  }

  /** Inside a write transaction. */
  setClaim(claim: MergeClaim): void {
    void this.meta.put(MERGING, claim);
  }

  extent(log: string): Extent | undefined {
    const bytes = this.extents.getBinary(logKey(log));
    if (!bytes) return undefined;
    const newest = { n: bytes.readDoubleBE(8), position: bytes.readDoubleBE(16) };
    return { first: bytes.readDoubleBE(0), newest };
  }

  private setExtent(log: string, extent: Extent): void {
    const bytes = Buffer.allocUnsafe(24);
    bytes.writeDoubleBE(extent.first, 0);
    bytes.writeDoubleBE(extent.newest.n, 8);
    bytes.writeDoubleBE(extent.newest.position, 16);
    void this.extents.put(logKey(log), bytes);
  }

  position(log: string, n: number): number | undefined {
    return this.run(log, n)?.position(n);
  }

  /** The run that has n, or would have it. */
  run(log: string, n: number): Run | undefined {
    const range = { start: placeKey(log, n), end: placeKey(log, 0), reverse: true, limit: 1 };
    // What lmdb hands out is good until the next read only.
    for (const { key, value } of this.places.getRange(range)) return new Run(nOfPlaceKey(key), Buffer.from(value));
    return undefined;
  }

  positionOfKey(log: string, key: string): number | undefined {
    return this.keys.getBinary(messageKey(log, key))?.readUIntBE(0, POSITION_BYTES);
  }

  /** Position of the newest row that entries of a group have in an inbox. */
  newestOfSeat(log: string, group: string): number | undefined {
    for (const position of this.seatBackwards(log, group)) return position;
    return undefined;
  }

  /** Counts rows of a seat whose positions are at least `from` and below `before`, no further than `limit`. */
  countOfSeat(log: string, group: string, range: SeatRange): number {
    let count = 0;
    for (const position of this.seatBackwards(log, group, range.newestKey)) {
      if (position < range.from || count === range.limit) break;
      if (position < range.before) count += 1;
    }
    return count;
  }

  /** Positions of a seat's rows from the newest back, or from the one under a key. */
  private *seatBackwards(log: string, group: string, newestKey?: string): Generator<number, void> {
    const prefix = entryKeyPrefix(group);
    const start = messageKey(log, newestKey ?? behindKeys(prefix));
    for (const { value } of this.keys.getRange({ start, end: messageKey(log, prefix), reverse: true })) {
      yield value.readUIntBE(0, POSITION_BYTES);
    }
  }

  /** Ids of logs behind `after`, ascending. */
  logs(after: string, limit: number): string[] {
    const start = after === '' ? Buffer.from([0]) : logKey(after);
    const found: string[] = [];
    for (const key of this.extents.getKeys({ start, limit: limit + 1 })) {
      const log = Buffer.from(key).toString();
      if (log !== after) found.push(log);
    }
    return found.slice(0, limit);
  }

  /** Inside a write transaction: takes out the keys of removed rows, and the runs that hold none but removed rows. */
  forget(log: string, removed: ReadonlyArray<{ readonly key: string }>, first: number): void {
    for (const { key } of removed) void this.keys.remove(messageKey(log, key));
    for (const run of this.runsBelow(log, first)) void this.places.remove(run);
    const extent = this.extent(log);
    if (extent) this.setExtent(log, { ...extent, first });
  }

  private runsBelow(log: string, first: number): Buffer[] {
    const gone: Buffer[] = [];
    for (const { key, value } of this.places.getRange({ start: placeKey(log, 0), end: placeKey(log, first) })) {
      const end = nOfPlaceKey(key) + value.length / POSITION_BYTES;
      if (end <= first) gone.push(Buffer.from(key));
    }
    return gone;
  }

  /** The entries that a generation has, in the order of the keys. */
  *entriesOf(generation: Generation): Generator<Entry, void> {
    for (const log of [...generation.parts.keys()].sort()) {
      const part = generation.parts.get(log)!;
      for (let i = 0; i < part.positions.length; i += RUN_ROWS) yield (merged) => this.putRun(merged, log, part, i);
      for (const key of [...part.keys.keys()].sort())
        yield (merged) => this.putKey(merged, log, key, part.keys.get(key)!);
      yield () => this.raiseExtent(log, part);
    }
  }

  private putRun(merged: number, log: string, part: LogPart, from: number): void {
    const positions = part.positions.slice(from, from + RUN_ROWS);
    const skipped = positions.filter((position) => position <= merged).length;
    if (skipped === positions.length) return;
    const key = placeKey(log, part.firstN + from + skipped);
    const run = Buffer.allocUnsafe((positions.length - skipped) * POSITION_BYTES);
    positions.slice(skipped).forEach((position, i) => run.writeUIntBE(position, i * POSITION_BYTES, POSITION_BYTES));
    // A merge of another process may have got further with this run; cutting it short would lose rows.
    if ((this.places.getBinary(key)?.length ?? 0) < run.length) void this.places.put(key, run);
  }

  private putKey(merged: number, log: string, key: string, position: number): void {
    if (position <= merged) return;
    const value = Buffer.allocUnsafe(POSITION_BYTES);
    value.writeUIntBE(position, 0, POSITION_BYTES);
    void this.keys.put(messageKey(log, key), value);
  }

  private raiseExtent(log: string, part: LogPart): void {
    const last = part.positions.length - 1;
    const newest = { n: part.firstN + last, position: part.positions[last]! };
    const known = this.extent(log);
    if (known && known.newest.n >= newest.n) return;
    this.setExtent(log, { first: known?.first ?? part.firstN, newest });
  }
}
