import type { mongo } from 'mongoose';
import { GroupLog, type GroupRecord, type OpenEntry, type Stay } from '../../modules/sessions/index.js';
import { ALIAS_INDEX, GroupDocument, LASTING_INDEX, LogRowDocument, OPEN_INDEX, StayDocument } from './documents.js';
import { bulkApart, bulkMeeting } from './driver-errors.js';
import { Gather } from './gather.js';
import type { MongoStore } from './mongo-store.js';
import { behindStaysOf, stayId } from './stay-id.js';

/** Projections that go out together at most: each may have many stays. */
const MOST_PROJECTIONS = 64;
/** Stays of one reply; more come in further ones. */
const REPLY_STAYS = 10_000;
/** Of a stay, what is not the caller's. */
const STAY = { _id: 0, log: 0 } as const;

interface Projection {
  readonly log: string;
  readonly stays: readonly Stay[];
  readonly record: GroupRecord | undefined;
}

interface Closing {
  readonly log: string;
  readonly upTo: number;
}

/** Stays, records and open entries. What is written gathers: members come in crowds, and many groups are busy at once. */
export class MongoGroupLog extends GroupLog {
  private readonly rows: mongo.Collection<LogRowDocument>;
  private readonly stays: mongo.Collection<StayDocument>;
  private readonly groups: mongo.Collection<GroupDocument>;
  private readonly projections = new Gather<Projection, void>((items, signal) => this.write(items, signal), {
    most: MOST_PROJECTIONS,
  });
  private readonly closings = new Gather<Closing, void>(async (items) => {
    await bulkApart(this.rows, items.map(closing), {});
    return [];
  });

  constructor(private readonly store: MongoStore) {
    super();
    this.rows = store.collection(LogRowDocument);
    this.stays = store.collection(StayDocument);
    this.groups = store.collection(GroupDocument);
  }

  load(log: string, after: number): Promise<{ record: GroupRecord | undefined; stays: Stay[] }> {
    return this.store.run(async (signal) => {
      // One range of the index and null, which is a last stay's end, in one scan.
      const lasting = this.find({ log, left: { $not: { $lte: after } } }, { signal });
      const record = this.groups.findOne({ _id: log }, { projection: { _id: 0 }, signal });
      const [stays, found] = await Promise.all([lasting, record]);
      return { record: found ?? undefined, stays };
    });
  }

  project(log: string, stays: readonly Stay[], record?: GroupRecord): Promise<void> {
    return this.store.run((signal) => this.projections.run({ log, stays, record }, signal));
  }

  private async write(projections: readonly Projection[], signal: AbortSignal): Promise<void[]> {
    const stays = projections.flatMap(({ log, stays: own }) => own.map((stay) => staying(log, stay)));
    await bulkMeeting(this.stays, stays, signal);
    const records = projections.flatMap(({ log, record }) => (record ? [recording(log, record)] : []));
    await bulkMeeting(this.groups, records, signal);
    return [];
  }

  staysOf(log: string, nodeId: string): Promise<Stay[]> {
    const ofNode = { _id: { $gt: stayId(log, nodeId, 0), $lt: behindStaysOf(log, nodeId) } };
    return this.store.run((signal) => this.find(ofNode, { sort: { _id: 1 }, signal }));
  }

  private find(filter: mongo.Filter<StayDocument>, options: mongo.FindOptions & mongo.Abortable): Promise<Stay[]> {
    return this.stays.find<Stay>(filter, { projection: STAY, batchSize: REPLY_STAYS, ...options }).toArray();
  }

  hasAlias(log: string, alias: string): Promise<boolean> {
    return this.store.run(async (signal) => {
      const options = { projection: { _id: 0, log: 1 }, hint: ALIAS_INDEX, signal } as const;
      return (await this.stays.findOne({ log, alias }, options)) !== null;
    });
  }

  groupsOf(nodeId: string, after: string, limit: number): Promise<string[]> {
    return this.store.run(async (signal) => {
      const options = { sort: { log: 1 }, projection: { _id: 0, log: 1 }, hint: LASTING_INDEX, signal } as const;
      const found = await firstOfEach(after, limit, (behind, most) => {
        const filter = { nodeId, left: null, log: { $gt: behind } };
        signal.throwIfAborted();
        return this.stays.find(filter, { ...options, limit: most }).toArray();
      });
      return found.map(({ log }) => log);
    });
  }

  open(after: string, limit: number): Promise<OpenEntry[]> {
    return this.store.run((signal) => {
      const options = {
        sort: { log: 1, n: 1 },
        projection: { _id: 0, log: 1, n: 1 },
        hint: OPEN_INDEX,
        signal,
      } as const;
      return firstOfEach(after, limit, (behind, most) => {
        const filter = { open: true, log: { $gt: behind } } as const;
        signal.throwIfAborted();
        return this.rows.find<OpenEntry>(filter, { ...options, limit: most }).toArray();
      });
    });
  }

  close(log: string, upTo: number): Promise<void> {
    return this.store.run((signal) => this.closings.run({ log, upTo }, signal));
  }
}

/**
 * The first of each log, from a list that is sorted by log: `read` answers its beginning behind a log. Mostly each log
 * is there once or a few times, and one look finds many; of one that is there often the rest is jumped over.
 */
async function firstOfEach<T extends { readonly log: string }>(
  after: string,
  limit: number,
  read: (behind: string, most: number) => Promise<T[]>,
): Promise<T[]> {
  const firsts: T[] = [];
  while (firsts.length < limit) {
    const most = limit - firsts.length;
    const found = await read(firsts.at(-1)?.log ?? after, most);
    for (const each of found) if (each.log !== firsts.at(-1)?.log) firsts.push(each);
    if (found.length < most) break;
  }
  return firsts;
}

/** Null is lower than every number: what is known stays, whoever writes last. */
function staying(log: string, stay: Stay): mongo.AnyBulkWriteOperation<StayDocument> {
  const { nodeId, joined, left, alias, revealed, issuedAt } = stay;
  const update = { $max: { left, revealed, issuedAt }, $setOnInsert: { log, nodeId, joined, alias } };
  return { updateOne: { filter: { _id: stayId(log, nodeId, joined) }, update, upsert: true } };
}

function recording(log: string, record: GroupRecord): mongo.AnyBulkWriteOperation<GroupDocument> {
  const { created, createdAt, ended } = record;
  const update = { $max: { ended }, $setOnInsert: { created, createdAt } };
  return { updateOne: { filter: { _id: log }, update, upsert: true } };
}

function closing({ log, upTo }: Closing): mongo.AnyBulkWriteOperation<LogRowDocument> {
  const filter = { open: true, log, n: { $lte: upTo } } as const;
  return { updateMany: { filter, update: { $unset: { open: '' } }, hint: OPEN_INDEX } };
}
