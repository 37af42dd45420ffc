import type { mongo } from 'mongoose';
import { type ServerNodeLoad, type ServerNodeRow, ServerNodes } from '../../modules/nodes/index.js';
import { ServerNodeDocument } from './documents.js';
import { isDuplicateKey } from './driver-errors.js';
import type { MongoStore } from './mongo-store.js';

/** Server nodes by their addresses. */
export class MongoServerNodes extends ServerNodes {
  private readonly addresses: mongo.Collection<ServerNodeDocument>;

  constructor(private readonly store: MongoStore) {
    super();
    this.addresses = store.collection(ServerNodeDocument);
  }

  find(address: string): Promise<ServerNodeRow | undefined> {
    return this.store.run(async (signal) => {
      const found = await this.addresses.findOne({ _id: address }, { signal });
      return found ? rowOf(found) : undefined;
    });
  }

  succeed(proposal: Omit<ServerNodeRow, 'beat'>): Promise<ServerNodeRow> {
    return this.store.run(async (signal) => {
      for (;;) {
        signal.throwIfAborted();
        const found = await this.trySucceed(proposal);
        if (found) return rowOf(found);
      }
    });
  }

  async beat(serverNodeId: string, bootId: string, load: ServerNodeLoad): Promise<boolean> {
    const { connections, lagMs, closed } = load;
    const change = { $set: { connections, lagMs, closed }, $inc: { beat: 1 } };
    const { matchedCount } = await this.store.run(() => this.addresses.updateOne({ serverNodeId, bootId }, change));
    return matchedCount === 1;
  }

  all(): Promise<ServerNodeRow[]> {
    return this.store.run(async (signal) => (await this.addresses.find({}, { signal }).toArray()).map(rowOf));
  }

  async release(serverNodeId: string, bootId: string, beat?: number): Promise<void> {
    const held = { serverNodeId, bootId, ...(beat !== undefined && { beat }) };
    await this.store.run(() => this.addresses.deleteOne(held));
  }

  /** Null when two came to a new address at once and this one was second: then it is there. */
  private async trySucceed(proposal: Omit<ServerNodeRow, 'beat'>): Promise<ServerNodeDocument | null> {
    const { address, serverNodeId, ...told } = proposal;
    const update = { $set: { ...told, beat: 0 }, $setOnInsert: { serverNodeId } };
    try {
      const options = { upsert: true, returnDocument: 'after' } as const;
      return await this.addresses.findOneAndUpdate({ _id: address }, update, options);
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      return null;
    }
  }
}

function rowOf({ _id: address, ...row }: ServerNodeDocument): ServerNodeRow {
  return { address, ...row };
}
