import type { mongo } from 'mongoose';
import { type ServerNodeRow, ServerNodes } from '../../modules/nodes/index.js';
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

  succeed(proposal: ServerNodeRow): Promise<ServerNodeRow> {
    return this.store.run(async (signal) => {
      for (;;) {
        signal.throwIfAborted();
        const row = await this.trySucceed(proposal);
        if (row) return { ...proposal, serverNodeId: row.serverNodeId };
      }
    });
  }

  /** Null when two came to a new address at once and this one was second: then it is there. */
  private async trySucceed({ address, bootId, serverNodeId }: ServerNodeRow): Promise<ServerNodeDocument | null> {
    const update = { $set: { bootId }, $setOnInsert: { serverNodeId } };
    try {
      const options = { upsert: true, returnDocument: 'after' } as const;
      return await this.addresses.findOneAndUpdate({ _id: address }, update, options);
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      return null;
    }
  }
}
