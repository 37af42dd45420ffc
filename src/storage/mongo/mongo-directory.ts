import type { mongo } from 'mongoose';
import { type ConnectionRow, Directory } from '../../modules/connections/index.js';
import { ConnectionDocument } from './documents.js';
import { isDuplicateKey } from './driver-errors.js';
import type { MongoStore } from './mongo-store.js';

/** Connections that one write forgets. */
const FORGET_ROWS = 1_000;

/** Connections, each in a numbered place of its node: that a place can be taken once only is what keeps the limit. */
export class MongoDirectory extends Directory {
  private readonly connections: mongo.Collection<ConnectionDocument>;

  constructor(private readonly store: MongoStore) {
    super();
    this.connections = store.collection(ConnectionDocument);
  }

  register(row: ConnectionRow, limit: number): Promise<boolean> {
    return this.store.run(async (signal) => {
      // Each round but the last one lost a place to somebody else, and there are `limit` of them.
      for (;;) {
        const held = await this.connections.find({ nodeId: row.nodeId }, { signal }).toArray();
        const own = held.find(({ connectionId }) => connectionId === row.connectionId);
        const place = own ? placeOf(own) : freePlace(row.nodeId, held, limit);
        if (place === undefined) return false;
        signal.throwIfAborted();
        if (await this.take(row, place, own !== undefined)) return true;
      }
    });
  }

  /** False when somebody else was faster. */
  private async take(row: ConnectionRow, place: string, isOwn: boolean): Promise<boolean> {
    const { nodeId, connectionId } = row;
    if (isOwn) return (await this.connections.replaceOne({ _id: place, nodeId, connectionId }, row)).matchedCount === 1;
    try {
      await this.connections.insertOne({ _id: place, ...row });
      return true;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      return false;
    }
  }

  unregister(nodeId: string, connectionId: string): Promise<void> {
    return this.store.run(async () => void (await this.connections.deleteOne({ nodeId, connectionId })));
  }

  of(nodeIds: readonly string[]): Promise<ConnectionRow[][]> {
    return this.store.run(async (signal) => {
      const options = { projection: { _id: 0 }, signal } as const;
      const found = await this.connections.find({ nodeId: { $in: [...nodeIds] } }, options).toArray();
      const rows = new Map<string, ConnectionRow[]>(nodeIds.map((nodeId) => [nodeId, []]));
      for (const row of found as ConnectionRow[]) rows.get(row.nodeId)?.push(row);
      return nodeIds.map((nodeId) => (rows.get(nodeId) ?? []).toSorted(byAge));
    });
  }

  async forgetOtherBoots(serverNodeId: string, bootId: string): Promise<number> {
    const stale = { serverNodeId, bootId: { $ne: bootId } };
    let forgotten = 0;
    for (;;) {
      const places = await this.store.run((signal) => this.placesOf(stale, signal));
      // Not by the place alone: by now it may belong to another connection.
      const gone = { _id: { $in: places }, ...stale };
      forgotten += await this.store.run(async () => (await this.connections.deleteMany(gone)).deletedCount);
      if (places.length < FORGET_ROWS) return forgotten;
    }
  }

  private async placesOf(filter: mongo.Filter<ConnectionDocument>, signal: AbortSignal): Promise<string[]> {
    const options = { projection: { _id: 1 }, limit: FORGET_ROWS, signal } as const;
    return (await this.connections.find(filter, options).toArray()).map(placeOf);
  }
}

function placeOf({ _id }: ConnectionDocument): string {
  return _id;
}

/** Any of those that are free, so that two who come at once seldom want the same. */
function freePlace(nodeId: string, held: readonly ConnectionDocument[], limit: number): string | undefined {
  if (held.length >= limit) return undefined;
  const taken = new Set(held.map(placeOf));
  const places = Array.from({ length: limit }, (_, i) => `${nodeId}\u0000${i}`);
  const free = places.filter((place) => !taken.has(place));
  return free[Math.floor(Math.random() * free.length)];
}

function byAge(one: ConnectionRow, other: ConnectionRow): number {
  return one.since - other.since || (one.connectionId < other.connectionId ? -1 : 1);
}
