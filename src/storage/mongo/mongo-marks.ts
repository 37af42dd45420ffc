import { LRUCache } from 'lru-cache';
import type { mongo } from 'mongoose';
import { type Marks, NO_MARKS, type Totals } from '../../modules/inbox/index.js';
import { LogMarksDocument } from './documents.js';
import { bulkApart } from './driver-errors.js';
import type { MongoStore } from './mongo-store.js';

const REMEMBERED_LOGS = 100_000;
/** Marks of one reply; more come in further ones. */
const REPLY_MARKS = 1_000;

type StoredMarks = Omit<LogMarksDocument, '_id'>;

const NONE: StoredMarks = {
  acked: 0,
  ackedCount: 0,
  ackedBytes: 0,
  floor: 1,
  floorCount: 0,
  floorBytes: 0,
  emptied: 1,
};

export interface Acknowledgement {
  readonly log: string;
  readonly acked: number;
  readonly ackedTotals: Totals;
}

interface Asked extends Acknowledgement {
  readonly place: number;
}

/** The marks of all logs. */
export class MongoMarks {
  private readonly documents: mongo.Collection<LogMarksDocument>;
  /** Acknowledged numbers as they were last seen: a guess what to compare with, and never more than that. */
  private readonly seen = new LRUCache<string, number>({ max: REMEMBERED_LOGS });

  constructor(store: MongoStore) {
    this.documents = store.collection(LogMarksDocument);
  }

  async of(logs: readonly string[], signal: AbortSignal): Promise<Marks[]> {
    const found = await this.find(logs, signal);
    return logs.map((log) => toMarks(found.get(log)));
  }

  /** Bodies below it were dropped. */
  async emptied(log: string, signal: AbortSignal): Promise<number> {
    return (await this.find([log], signal)).get(log)?.emptied ?? NONE.emptied;
  }

  /**
   * Answers what each was before. A log is compared and set: what it is compared with is a guess, and a wrong one costs
   * another round. So totals go with their number, nothing is lowered, and of two writers one is told that it was first.
   */
  async raiseAcked(acks: readonly Acknowledgement[], signal: AbortSignal): Promise<number[]> {
    const before: number[] = [];
    let open = acks.map((ack, place): Asked => ({ ...ack, place }));
    while (open.length > 0) {
      await this.look(open, signal);
      signal.throwIfAborted();
      const higher = open.filter(({ log, acked }) => acked > this.guess(log));
      for (const { place, log } of open) before[place] = this.guess(log);
      const missed = new Set(await this.compareAndSet(higher));
      higher.forEach(({ log, acked }, i) => (missed.has(i) ? this.seen.delete(log) : this.seen.set(log, acked)));
      open = higher.filter((_, i) => missed.has(i));
    }
    return before;
  }

  private guess(log: string): number {
    return this.seen.get(log) ?? 0;
  }

  /** Reads what nobody has seen lately. */
  private async look(acks: readonly Acknowledgement[], signal: AbortSignal): Promise<void> {
    const unseen = acks.map(({ log }) => log).filter((log) => !this.seen.has(log));
    if (unseen.length === 0) return;
    const found = await this.find(unseen, signal);
    for (const log of unseen) this.seen.set(log, found.get(log)?.acked ?? 0);
  }

  /** Answers the places of those that were not as guessed: with another number there, the upsert meets the same `_id`. */
  private async compareAndSet(acks: readonly Acknowledgement[]): Promise<number[]> {
    const operations = acks.map(({ log, acked, ackedTotals: { count, bytes } }) => {
      const filter = { _id: log, acked: this.guess(log) };
      return raising(filter, { acked, ackedCount: count, ackedBytes: bytes });
    });
    try {
      return await bulkApart(this.documents, operations, {});
    } catch (error) {
      // Some may be written: what is remembered of them is no guess to begin with.
      for (const { log } of acks) this.seen.delete(log);
      throw error;
    }
  }

  async raiseFloor(log: string, floor: number, { count, bytes }: Totals, signal: AbortSignal): Promise<void> {
    for (;;) {
      const operation = raising({ _id: log, floor: { $lt: floor } }, { floor, floorCount: count, floorBytes: bytes });
      const missed = await bulkApart(this.documents, [operation], {});
      if (missed.length === 0) return;
      const [marks] = await this.of([log], signal);
      if (marks && marks.floor >= floor) return;
    }
  }

  async raiseEmptied(log: string, emptied: number): Promise<void> {
    const operation = raising({ _id: log, emptied: { $lt: emptied } }, { emptied });
    await bulkApart(this.documents, [operation], {});
  }

  private async find(logs: readonly string[], signal: AbortSignal): Promise<Map<string, StoredMarks>> {
    const options = { batchSize: REPLY_MARKS, signal } as const;
    const found = await this.documents.find({ _id: { $in: [...logs] } }, options).toArray();
    return new Map(found.map(({ _id, ...marks }) => [_id, marks]));
  }
}

function raising(
  filter: mongo.Filter<LogMarksDocument>,
  news: Partial<LogMarksDocument>,
): mongo.AnyBulkWriteOperation<LogMarksDocument> {
  const others = Object.fromEntries(Object.entries(NONE).filter(([name]) => !(name in news)));
  return { updateOne: { filter, update: { $set: news, $setOnInsert: others }, upsert: true } };
}

function toMarks(stored: StoredMarks | undefined): Marks {
  if (!stored) return NO_MARKS;
  const { acked, ackedCount, ackedBytes, floor, floorCount, floorBytes } = stored;
  return {
    acked,
    ackedTotals: { count: ackedCount, bytes: ackedBytes },
    floor,
    floorTotals: { count: floorCount, bytes: floorBytes },
  };
}
