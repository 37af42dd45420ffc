import type { mongo } from 'mongoose';
import { entryKey, entryKeyPrefix, entryOfKey, type Seat, type SeatRow } from '../../modules/inbox/index.js';
import { KEY_INDEX, LogRowDocument, SeatDocument } from './documents.js';
import { bulkMeeting } from './driver-errors.js';
import type { MongoStore } from './mongo-store.js';
import { chunksOf, UNION_REPLY, unionOf } from './union.js';

/** Rows of one reply of a count; more come in further ones. */
const COUNTED_ROWS = 256;

type Row = Pick<LogRowDocument, 'log' | 'key' | 'n' | 'body'>;

/** What entries of groups have in inboxes: rows as long as there are any, and what is remembered of those removed. */
export class MongoSeats {
  private readonly rows: mongo.Collection<LogRowDocument>;
  private readonly removed: mongo.Collection<SeatDocument>;

  constructor(store: MongoStore) {
    this.rows = store.collection(LogRowDocument);
    this.removed = store.collection(SeatDocument);
  }

  async of(asked: readonly Seat[], signal: AbortSignal): Promise<Array<SeatRow | undefined>> {
    const seats = new Map(asked.map((seat) => [seatId(seat), seat]));
    const parts = await Promise.all(chunksOf([...seats.values()]).map((chunk) => this.find(chunk, signal)));
    const newest = new Map<string, SeatRow>();
    for (const [id, row] of parts.flat()) if (row.entry > (newest.get(id)?.entry ?? 0)) newest.set(id, row);
    return asked.map((seat) => newest.get(seatId(seat)));
  }

  /**
   * Rows first: what is removed was remembered before, so that whoever finds no row any more finds what is remembered.
   */
  private async find(seats: readonly Seat[], signal: AbortSignal): Promise<Array<readonly [string, SeatRow]>> {
    const remembered = [{ $match: { _id: { $in: seats.map(seatId) } } }];
    const union = [
      ...unionOf(this.rows.collectionName, seats.map(newestOf)),
      { $unionWith: { coll: this.removed.collectionName, pipeline: remembered } },
    ];
    const options = { batchSize: UNION_REPLY, signal };
    const found = await this.rows.aggregate<Row | SeatDocument>(union, options).toArray();
    return found.map((document) => ('key' in document ? rowOf(document) : removedOf(document)));
  }

  /** What the keys of rows say that will be removed. Of what is remembered nothing is taken back. */
  async remember(log: string, keys: readonly string[], signal: AbortSignal): Promise<void> {
    const highest = new Map<string, number>();
    for (const key of keys) {
      const { group, entry } = entryOfKey(key) ?? {};
      if (group !== undefined) highest.set(group, Math.max(entry ?? 0, highest.get(group) ?? 0));
    }
    const raises = [...highest].map(([group, entry]) => {
      const filter = { _id: seatId({ log, group }) };
      return { updateOne: { filter, update: { $max: { entry } }, upsert: true } };
    });
    await bulkMeeting(this.removed, raises, signal);
  }

  /** From the newest on: what a group has in an inbox is in the order of its entries, by number and by key. */
  async count(seat: Seat, above: number, limit: number, signal: AbortSignal): Promise<number> {
    if (limit < 1) return 0;
    const options = { sort: { key: -1 }, projection: { _id: 0, n: 1 }, hint: KEY_INDEX, signal } as const;
    let count = 0;
    for await (const { n } of this.rows.find(rowsOf(seat), { ...options, limit, batchSize: COUNTED_ROWS })) {
      if (n <= above) break;
      count += 1;
    }
    return count;
  }
}

function seatId({ log, group }: Seat): string {
  return `${log}\u0000${group}`;
}

function rowsOf({ log, group }: Seat): mongo.Filter<LogRowDocument> {
  return { log, key: { $gt: entryKeyPrefix(group), $lte: entryKey(group, Number.MAX_SAFE_INTEGER) } };
}

function newestOf(seat: Seat): mongo.Document[] {
  const fields = { _id: 0, log: 1, key: 1, n: 1, body: 1 };
  return [{ $match: rowsOf(seat) }, { $sort: { key: -1 } }, { $limit: 1 }, { $project: fields }];
}

function rowOf({ log, key, n, body }: Row): readonly [string, SeatRow] {
  const { group, entry } = entryOfKey(key)!;
  return [seatId({ log, group }), { entry, n, body }];
}

function removedOf({ _id, entry }: SeatDocument): readonly [string, SeatRow] {
  return [_id, { entry, n: 0, body: '' }];
}
