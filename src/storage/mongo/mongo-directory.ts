import type { mongo } from 'mongoose';
import { type ConnectionRow, Directory } from '../../modules/connections/index.js';
import { ConnectionDocument } from './documents.js';
import { bulkApart } from './driver-errors.js';
import { Gather, paceOfCrowds } from './gather.js';
import type { MongoStore } from './mongo-store.js';
import { type Choice, choosePlaces, type Held, type Wish } from './places.js';

/** Connections that one write forgets. */
const FORGET_ROWS = 1_000;
/** Held places of one reply; more come in further ones. */
const REPLY_ROWS = 10_000;
/** Nobody else wants the place aside of one that moves: who loses it this often meets something that stays. */
const MOVE_TRIES = 3;

type ConnectionKey = Pick<ConnectionRow, 'nodeId' | 'connectionId'>;

type Change = { readonly comes: Wish } | { readonly goes: ConnectionKey };

interface OpenWish extends Wish {
  readonly signal: AbortSignal;
}

/**
 * Connections, each in a numbered place of its node: that a place can be taken once only is what keeps the limit.
 * Changes gather, for thousands come and go at once when a network fails.
 */
export class MongoDirectory extends Directory {
  private readonly connections: mongo.Collection<ConnectionDocument>;
  private readonly changes: Gather<Change, boolean>;

  constructor(private readonly store: MongoStore) {
    super();
    this.connections = store.collection(ConnectionDocument);
    const options = { keyOf: keyOfChange, pace: paceOfCrowds(store.settings.clock) };
    this.changes = new Gather((...batch) => this.change(...batch), options);
  }

  register(row: ConnectionRow, limit: number): Promise<boolean> {
    return this.store.run((signal) => this.changes.run({ comes: { row, limit } }, signal));
  }

  async unregister(nodeId: string, connectionId: string): Promise<void> {
    await this.store.run((signal) => this.changes.run({ goes: { nodeId, connectionId } }, signal));
  }

  /**
   * Those that go, or are on the move, leave their places to those that come. Who is on the move is seen aside before it
   * is gone from its place: a look-up in between must not take it for gone.
   */
  private async change(
    changes: readonly Change[],
    signal: AbortSignal,
    signals: readonly AbortSignal[],
  ): Promise<boolean[]> {
    const going = changes.flatMap((change) => ('goes' in change ? [change.goes] : []));
    await bulkApart(this.connections, going.map(leaving), {});
    const wishes = changes.flatMap((change, place) =>
      'comes' in change ? [{ ...change.comes, signal: signals[place]! }] : [],
    );
    const aside = await this.place(wishes.filter(isMoving), signal);
    await bulkApart(this.connections, [...aside].map(leavingPlace), {});
    const placed = await this.place(
      wishes.filter((wish) => !isMoving(wish)),
      signal,
    );
    return changes.map((change) => 'goes' in change || aside.has(change.comes.row) || placed.has(change.comes.row));
  }

  /**
   * Answers those that have a place now. Who loses the chosen one to somebody else chooses again, `limit` times at most. One
   * that moves stays where it is when an older version, started since, forbids to stand aside (`FORMER_INDEX`).
   */
  private async place(wishes: readonly OpenWish[], signal: AbortSignal): Promise<Set<ConnectionRow>> {
    const placed = new Set<ConnectionRow>();
    for (let open = wishes, tries = 1; open.length > 0; tries += 1) {
      const held = await this.held(open, signal);
      signal.throwIfAborted();
      const wanted = open.filter((wish) => !wish.signal.aborted);
      const choices = choosePlaces(wanted, held);
      const lost = new Set(await bulkApart(this.connections, choices.map(taking), {}));
      choices.forEach(({ wish }, at) => lost.has(at) || placed.add(wish.row));
      const mayTry = ({ wish }: Choice<OpenWish>): boolean => !isMoving(wish) || tries < MOVE_TRIES;
      open = choices.flatMap((choice, at) => (lost.has(at) && mayTry(choice) ? [choice.wish] : []));
    }
    return placed;
  }

  private held(wishes: readonly Wish[], signal: AbortSignal): Promise<Held[]> {
    const nodeIds = [...new Set(wishes.map(({ row }) => row.nodeId))];
    const options = { projection: { nodeId: 1, connectionId: 1, moving: 1 }, batchSize: REPLY_ROWS, signal } as const;
    return this.connections.find({ nodeId: { $in: nodeIds } }, options).toArray();
  }

  of(nodeIds: readonly string[]): Promise<ConnectionRow[][]> {
    return this.store.run(async (signal) => {
      const options = { projection: { _id: 0 }, signal } as const;
      const found = await this.connections.find({ nodeId: { $in: [...nodeIds] } }, options).toArray();
      const rows = new Map<string, ConnectionRow[]>(nodeIds.map((nodeId) => [nodeId, []]));
      for (const row of found as ConnectionRow[]) rows.get(row.nodeId)?.push(row);
      return nodeIds.map((nodeId) => onceEach(rows.get(nodeId) ?? []).toSorted(byAge));
    });
  }

  async find(connectionId: string): Promise<ConnectionRow | undefined> {
    return this.store.run(async (signal) => {
      const options = { projection: { _id: 0 }, signal } as const;
      return ((await this.connections.findOne({ connectionId }, options)) as ConnectionRow | null) ?? undefined;
    });
  }

  boots(): Promise<string[]> {
    return this.store.run(() => this.connections.distinct('bootId'));
  }

  async forgetBoot(bootId: string): Promise<number> {
    let forgotten = 0;
    for (;;) {
      const places = await this.store.run((signal) => this.placesOf({ bootId }, signal));
      // Not by the place alone: by now it may belong to another connection.
      const gone = { _id: { $in: places }, bootId };
      forgotten += await this.store.run(async () => (await this.connections.deleteMany(gone)).deletedCount);
      if (places.length < FORGET_ROWS) return forgotten;
    }
  }

  private async placesOf(filter: mongo.Filter<ConnectionDocument>, signal: AbortSignal): Promise<string[]> {
    const options = { projection: { _id: 1 }, limit: FORGET_ROWS, signal } as const;
    return (await this.connections.find(filter, options).toArray()).map(({ _id }) => _id);
  }
}

/** What comes and goes under one key does so in its order. */
function keyOfChange(change: Change): string {
  const { nodeId, connectionId } = 'comes' in change ? change.comes.row : change.goes;
  return `${nodeId}\u0000${connectionId}`;
}

/** All of it: one that went while it was on its way aside stands in both. */
function leaving({ nodeId, connectionId }: ConnectionKey): mongo.AnyBulkWriteOperation<ConnectionDocument> {
  return { deleteMany: { filter: { nodeId, connectionId } } };
}

function leavingPlace({ nodeId, connectionId }: ConnectionKey): mongo.AnyBulkWriteOperation<ConnectionDocument> {
  return { deleteOne: { filter: { nodeId, connectionId, moving: { $exists: false } } } };
}

function isMoving({ row }: Wish): boolean {
  return row.moving === true;
}

/** Meets a duplicate key when the place is somebody else's by now. */
function taking({ wish: { row }, place, isOwn }: Choice<Wish>): mongo.AnyBulkWriteOperation<ConnectionDocument> {
  if (!isOwn) return { insertOne: { document: { _id: place, ...row } } };
  const { nodeId, connectionId } = row;
  return { replaceOne: { filter: { _id: place, nodeId, connectionId }, replacement: row, upsert: true } };
}

function byAge(one: ConnectionRow, other: ConnectionRow): number {
  return one.since - other.since || (one.connectionId < other.connectionId ? -1 : 1);
}

/** One that is on its way aside is seen there and in its place. */
function onceEach(rows: readonly ConnectionRow[]): ConnectionRow[] {
  if (!rows.some(({ moving }) => moving)) return [...rows];
  const movingLast = rows.toSorted((one, other) => Number(one.moving ?? false) - Number(other.moving ?? false));
  return [...new Map(movingLast.map((row) => [row.connectionId, row])).values()];
}
