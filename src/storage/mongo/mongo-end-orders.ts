import type { mongo } from 'mongoose';
import { type EndOrder, type EndOrderRow, EndOrders } from '../../modules/auth/index.js';
import { StoreUnavailable } from '../../modules/inbox/index.js';
import { EndOrderDocument } from './documents.js';
import { isDuplicateKey } from './driver-errors.js';
import type { MongoStore } from './mongo-store.js';

/** Ended orders that one `add` forgets. */
const FORGET_AN_ADD = 1_000;

/** Orders by their positions. One is only put behind one that was read, so no reader ever passes a place that fills later. */
export class MongoEndOrders extends EndOrders {
  private readonly orders: mongo.Collection<EndOrderDocument>;

  constructor(private readonly store: MongoStore) {
    super();
    this.orders = store.collection(EndOrderDocument);
  }

  async add(order: EndOrder, now: number): Promise<void> {
    const position = await this.store.run((signal) => this.append(order, signal));
    try {
      await this.store.run((signal) => this.forgetEnded(position, now, signal));
    } catch (error) {
      // What is over stays a little longer when the store is away.
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }

  private async append({ until, ...order }: EndOrder, signal: AbortSignal): Promise<number> {
    for (;;) {
      const position = 1 + (await this.newest(signal));
      signal.throwIfAborted();
      try {
        await this.orders.insertOne({ _id: position, until, order: JSON.stringify(order) });
        return position;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
    }
  }

  private async newest(signal: AbortSignal): Promise<number> {
    const options = { sort: { _id: -1 }, projection: { _id: 1 }, signal } as const;
    return (await this.orders.findOne({}, options))?._id ?? 0;
  }

  /** The newest stays in any case: the next position is read from it. */
  private async forgetEnded(position: number, now: number, signal: AbortSignal): Promise<void> {
    const options = { projection: { _id: 1 }, limit: FORGET_AN_ADD, signal } as const;
    const ended = await this.orders.find({ until: { $lt: now } }, options).toArray();
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

function toRow({ _id: position, until, order }: EndOrderDocument): EndOrderRow {
  return { position, order: { ...(JSON.parse(order) as EndOrder), until } };
}
