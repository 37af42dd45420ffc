import type { mongo } from 'mongoose';
import { type EndOrder, type EndOrderRow, EndOrders } from '../../modules/auth/index.js';
import { StoreUnavailable } from '../../modules/inbox/index.js';
import { EndOrderDocument } from './documents.js';
import { isDuplicateKey } from './driver-errors.js';
import type { MongoStore } from './mongo-store.js';
import { isOver, msFromNow } from './store-time.js';

/** Ended orders that one `add` forgets. */
const FORGET_AN_ADD = 1_000;

/** Orders by their positions. One is only put behind one that was read, so no reader ever passes a place that fills later. */
export class MongoEndOrders extends EndOrders {
  private readonly orders: mongo.Collection<EndOrderDocument>;

  constructor(private readonly store: MongoStore) {
    super();
    this.orders = store.collection(EndOrderDocument);
  }

  async add(order: EndOrder, keepMs: number): Promise<void> {
    const position = await this.store.run((signal) => this.append(order, keepMs, signal));
    try {
      await this.store.run((signal) => this.forgetEnded(position, signal));
    } catch (error) {
      // What is over stays a little longer when the store is away.
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }

  private async append(order: EndOrder, keepMs: number, signal: AbortSignal): Promise<number> {
    for (;;) {
      const position = 1 + (await this.newest(signal));
      signal.throwIfAborted();
      try {
        await this.putAt(position, order, keepMs);
        return position;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
    }
  }

  /** An insert knows no time of the store, an update does. What has the place already does not match, and is in the way. */
  private async putAt(position: number, order: EndOrder, keepMs: number): Promise<void> {
    const row = { _id: position, until: msFromNow(keepMs), order: { $literal: JSON.stringify(order) } };
    const free = { _id: position, until: { $exists: false } };
    await this.orders.updateOne(free, [{ $replaceWith: row }], { upsert: true });
  }

  private async newest(signal: AbortSignal): Promise<number> {
    const options = { sort: { _id: -1 }, projection: { _id: 1 }, signal } as const;
    return (await this.orders.findOne({}, options))?._id ?? 0;
  }

  /** The newest stays in any case: the next position is read from it. */
  private async forgetEnded(position: number, signal: AbortSignal): Promise<void> {
    const options = { projection: { _id: 1 }, limit: FORGET_AN_ADD, signal } as const;
    const ended = await this.orders.find(isOver('until'), options).toArray();
    signal.throwIfAborted();
    const places = ended.map(({ _id }) => _id).filter((place) => place < position);
    if (places.length > 0) await this.orders.deleteMany({ _id: { $in: places } });
  }

  after(position: number, limit: number): Promise<EndOrderRow[]> {
    return this.store.run(async (signal) => {
      const options = { sort: { _id: 1 }, limit, signal } as const;
      return (await this.orders.find({ _id: { $gt: position } }, options).toArray()).map(toRow);
    });
  }
}

function toRow({ _id: position, order }: EndOrderDocument): EndOrderRow {
  return { position, order: JSON.parse(order) as EndOrder };
}
