import type { mongo } from 'mongoose';
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
import { KEY_INDEX, LogRowDocument } from './documents.js';
import { duplicatesOf } from './driver-errors.js';
import { Gather, paceOfCrowds } from './gather.js';
import { KnownTails } from './known-tails.js';
import { LogOrder } from './log-order.js';
import { type Acknowledgement, MongoMarks } from './mongo-marks.js';
import { MongoSeats } from './mongo-seats.js';
import type { MongoStore } from './mongo-store.js';
import { newestIn } from './newest.js';
import { behindRowsOf, numberIn, rowId, toDocument, toHead, toRow } from './row-id.js';

/** Rows that one call of the garbage collector touches. */
const COLLECT_ROWS = 256;
const LANES = 4;
/** Rows of one reply; more come in further ones. */
const REPLY_ROWS = 1_000;
const HEAD = { body: 0 } as const;

type Rows = mongo.Collection<LogRowDocument>;

/** The logs in a collection of rows. */
export class MongoInboxLog extends InboxLog {
  readonly maxBatch: number;
  readonly lanes = LANES;
  private readonly rows: Rows;
  private readonly stored: MongoMarks;
  private readonly seated: MongoSeats;
  private readonly tails: KnownTails;
  private readonly order = new LogOrder();
  /** What each that opens an inbox asks for itself, and thousands do so at once. */
  private readonly heads = new Gather<string, RowHead | undefined>((logs, signal) => this.readNewest(logs, signal));
  private readonly marked = new Gather<string, Marks>((logs, signal) => this.stored.of(logs, signal));
  private readonly epochs: Gather<undefined, string>;

  constructor(private readonly store: MongoStore) {
    super();
    this.maxBatch = store.settings.commitRows;
    this.rows = store.collection(LogRowDocument);
    this.stored = new MongoMarks(store);
    this.seated = new MongoSeats(store);
    this.tails = new KnownTails(store.settings.clock);
    const pace = paceOfCrowds(store.settings.clock);
    this.epochs = new Gather((askers, signal) => this.epochFor(askers, signal), { pace });
  }

  async insert(rows: readonly LogRow[]): Promise<InsertOutcome> {
    if (rows.length > this.maxBatch) throw new RangeError(`at most ${this.maxBatch} rows`);
    const logs = new Set(rows.map(({ log }) => log));
    return this.store.run((signal) => this.order.run(logs, () => this.append(rows, signal)));
  }

  private async append(rows: readonly LogRow[], signal: AbortSignal): Promise<InsertOutcome> {
    const unfounded = await this.firstUnfounded(rows, signal);
    signal.throwIfAborted();
    const outcome = await this.insertInOrder(rows.slice(0, unfounded), signal);
    return outcome.inserted === unfounded && unfounded < rows.length ? { ...outcome, stoppedBy: 'n' } : outcome;
  }

  /**
   * The place of the first row whose predecessor is neither in the batch nor the newest of its log; behind the last
   * when there is none. An insert of a row cannot make the store look for another, so this is looked up before: between
   * the two, the predecessor cannot go while it is the newest, and when it is not any more, the row's n is taken. Only
   * the garbage collector can make it free again, and what that takes is older than a day, while no tail is believed
   * for longer than 30 s. A writer that goes on behind what it was told here costs no query.
   */
  private async firstUnfounded(rows: readonly LogRow[], signal: AbortSignal): Promise<number> {
    const firsts = firstOfEachLog(rows).filter(({ log, n }) => this.tails.of(log) !== n - 1);
    if (firsts.length > 0)
      await this.readNewest(
        firsts.map(({ log }) => log),
        signal,
      );
    const reached = new Map<string, number>();
    const place = rows.findIndex(({ log, n }) => {
      const tail = reached.get(log) ?? this.tails.of(log) ?? 0;
      reached.set(log, n);
      return tail !== n - 1;
    });
    return place < 0 ? rows.length : place;
  }

  /** One ordered bulk: it stops at the first row that meets another, and what is before that is durable. */
  private async insertInOrder(rows: readonly LogRow[], signal: AbortSignal): Promise<InsertOutcome> {
    if (rows.length === 0) return { inserted: 0 };
    const asked = this.store.settings.clock.monotonic();
    try {
      const options = { ordered: true, signal } as mongo.BulkWriteOptions;
      await this.rows.insertMany(rows.map(toDocument), options);
      return this.inserted(rows, asked);
    } catch (error) {
      for (const { log } of rows) this.tails.forget(log);
      const met = duplicatesOf(error)[0];
      return { ...this.inserted(rows.slice(0, met?.at), asked), stoppedBy: met?.index === KEY_INDEX ? 'key' : 'n' };
    }
  }

  private inserted(rows: readonly LogRow[], asked: number): InsertOutcome {
    const { clock, onCommit } = this.store.settings;
    onCommit((clock.monotonic() - asked) / 1_000);
    for (const { log, n } of rows) this.tails.learn(log, n, asked);
    return { inserted: rows.length };
  }

  newest(logs: readonly string[]): Promise<Array<RowHead | undefined>> {
    const [log] = logs;
    if (log === undefined || logs.length > 1) return this.store.run((signal) => this.readNewest(logs, signal));
    return this.store.run(async (signal) => [await this.heads.run(log, signal)]);
  }

  private async readNewest(logs: readonly string[], signal: AbortSignal): Promise<Array<RowHead | undefined>> {
    const asked = this.store.settings.clock.monotonic();
    const found = await newestIn(this.rows, logs, signal);
    for (const log of logs) this.tails.learn(log, found.get(log)?.n ?? 0, asked);
    return logs.map((log) => found.get(log));
  }

  findKeys(log: string, keys: readonly string[]): Promise<Array<RowHead | undefined>> {
    return this.store.run(async (signal) => {
      const filter = { log, key: { $in: [...keys] } };
      const found = await this.rows.find(filter, { projection: HEAD, batchSize: REPLY_ROWS, signal }).toArray();
      const heads = new Map(found.map((document) => [document.key, toHead(document)]));
      return keys.map((key) => heads.get(key));
    });
  }

  read(log: string, range: ReadRange): Promise<LogRow[]> {
    return this.store.run(async (signal) => {
      const limit = await this.fitting(log, range, signal);
      const found = limit === 0 ? [] : await this.inRange(log, { ...range, limit }, { signal }).toArray();
      const rows = found.map(toRow);
      return range.fromEnd ? rows.toReversed() : rows;
    });
  }

  /** How many rows of a range fit its bytes. Asked first, for a reply has no limit of that kind and many may be large. */
  private async fitting(log: string, range: ReadRange, signal: AbortSignal): Promise<number> {
    if (range.limit === 1) return 1;
    const projection = { _id: 0, size: { $strLenBytes: '$body' } };
    const sizes = this.inRange(log, range, { projection, signal }) as mongo.FindCursor<unknown>;
    let [fit, bytes] = [0, 0];
    for (const { size } of (await sizes.toArray()) as Array<{ size: number }>) {
      bytes += size;
      if (fit > 0 && bytes > range.maxBytes) break;
      fit += 1;
    }
    return fit;
  }

  private inRange(log: string, range: ReadRange, options: mongo.FindOptions & mongo.Abortable) {
    const { after, before, limit, fromEnd } = range;
    const filter = { _id: { $gt: rowId(log, after), $lt: rowId(log, before) } };
    const batchSize = Math.min(limit, REPLY_ROWS) + 1;
    return this.rows.find(filter, { sort: { _id: fromEnd ? -1 : 1 }, limit, batchSize, ...options });
  }

  at(points: ReadonlyArray<{ readonly log: string; readonly n: number }>): Promise<LogRow[]> {
    return this.store.run(async (signal) => {
      const ids = points.map(({ log, n }) => rowId(log, n));
      return (await this.rows.find({ _id: { $in: ids } }, { batchSize: REPLY_ROWS, signal }).toArray()).map(toRow);
    });
  }

  firstAfter(log: string, time: number): Promise<number | undefined> {
    return this.store.run(async (signal) => {
      const options = { sort: { at: 1, n: 1 }, projection: { _id: 0, n: 1 }, signal } as const;
      return (await this.rows.findOne({ log, at: { $gt: time } }, options))?.n;
    });
  }

  marks(logs: readonly string[]): Promise<Marks[]> {
    const [log] = logs;
    if (log === undefined || logs.length > 1) return this.store.run((signal) => this.stored.of(logs, signal));
    return this.store.run(async (signal) => [await this.marked.run(log, signal)]);
  }

  raiseAcked(acks: readonly Acknowledgement[]): Promise<number[]> {
    return this.store.run((signal) => this.stored.raiseAcked(acks, signal));
  }

  raiseFloor(log: string, floor: number, floorTotals: Totals): Promise<void> {
    return this.store.run((signal) => this.stored.raiseFloor(log, floor, floorTotals, signal));
  }

  dropBodies(log: string, below: number): Promise<boolean> {
    return this.store.run(async (signal) => {
      const from = await this.stored.emptied(log, signal);
      if (from >= below) return false;
      const options = { sort: { _id: 1 }, projection: { _id: 1 }, limit: COLLECT_ROWS + 1, signal } as const;
      const filter = { _id: { $gte: rowId(log, from), $lt: rowId(log, below) } };
      const ids = (await this.rows.find(filter, options).toArray()).map(({ _id }) => _id);
      const last = ids.slice(0, COLLECT_ROWS).at(-1);
      if (last === undefined) return false;
      signal.throwIfAborted();
      await this.rows.updateMany({ _id: { $gte: ids[0]!, $lte: last } }, { $set: { body: '' } });
      await this.stored.raiseEmptied(log, numberIn(last) + 1);
      return ids.length > COLLECT_ROWS;
    });
  }

  removeRows(log: string, below: number, writtenBefore: number): Promise<boolean> {
    return this.store.run(async (signal) => {
      const [newest] = await this.readNewest([log], signal);
      const filter = { _id: { $gt: rowId(log, 0), $lt: rowId(log, Math.min(below, newest?.n ?? 0)) } };
      const options = {
        sort: { _id: 1 },
        projection: { n: 1, at: 1, key: 1 },
        limit: COLLECT_ROWS + 1,
        signal,
      } as const;
      const first = await this.rows.find(filter, options).toArray();
      const kept = first.findIndex(({ at }) => at >= writtenBefore);
      const old = kept < 0 ? first : first.slice(0, kept);
      const going = old.slice(0, COLLECT_ROWS);
      const last = going.at(-1);
      if (!last) return false;
      await this.seated.remember(
        log,
        going.map(({ key }) => key),
        signal,
      );
      signal.throwIfAborted();
      await this.rows.deleteMany({ _id: { $gt: rowId(log, 0), $lte: rowId(log, last.n) } });
      return old.length > COLLECT_ROWS;
    });
  }

  seats(asked: readonly Seat[]): Promise<Array<SeatRow | undefined>> {
    return this.store.run((signal) => this.seated.of(asked, signal));
  }

  countOfSeat(seat: Seat, above: number, limit: number): Promise<number> {
    return this.store.run((signal) => this.seated.count(seat, above, limit, signal));
  }

  /** From log to log by the index of the rows; a list of logs of its own would be one more thing to keep true. */
  logs(after: string, limit: number): Promise<string[]> {
    return this.store.run(async (signal) => {
      const found: string[] = [];
      const options = { sort: { _id: 1 }, projection: { log: 1 }, signal } as const;
      while (found.length < limit) {
        signal.throwIfAborted();
        const next = await this.rows.findOne({ _id: { $gt: behindRowsOf(found.at(-1) ?? after) } }, options);
        if (!next) break;
        found.push(next.log);
      }
      return found;
    });
  }

  epoch(): Promise<string> {
    return this.store.run((signal) => this.epochs.run(undefined, signal));
  }

  private async epochFor(askers: readonly undefined[], signal: AbortSignal): Promise<string[]> {
    const epoch = (await this.store.readEpoch(signal)) ?? '';
    return askers.map(() => epoch);
  }
}

function firstOfEachLog(rows: readonly LogRow[]): LogRow[] {
  const seen = new Set<string>();
  return rows.filter(({ log }) => seen.size < seen.add(log).size);
}
