import type { Database, Key } from 'lmdb';
import { type EndOrder, type EndOrderRow, EndOrders } from '../../modules/auth/index.js';
import type { EmbeddedStore } from './embedded-store.js';

/** Ended orders that one `add` forgets: more than it adds, so that they get fewer. */
const FORGET_AN_ADD = 4;

export class EmbeddedEndOrders extends EndOrders {
  private readonly orders: Database<EndOrder, number>;
  /** [end, position], to find the ended ones: the processes on the store share one host and its clock. */
  private readonly ends: Database<true, Key[]>;

  constructor(private readonly store: EmbeddedStore) {
    super();
    this.orders = store.json('end-orders');
    this.ends = store.json('end-order-ends');
  }

  add(order: EndOrder, keepMs: number): Promise<void> {
    return this.store.writes.run(1, () => {
      const now = this.store.settings.clock.now();
      const [newest = 0] = this.orders.getKeys({ reverse: true, limit: 1 });
      this.forgetEnded(now);
      void this.orders.put(newest + 1, order);
      void this.ends.put([now + keepMs, newest + 1], true);
    });
  }

  private forgetEnded(now: number): void {
    const ended = [...this.ends.getKeys({ start: [0], end: [now], limit: FORGET_AN_ADD })];
    for (const end of ended) {
      void this.orders.remove(Number(end[1]));
      void this.ends.remove(end);
    }
  }

  async after(position: number, limit: number): Promise<EndOrderRow[]> {
    return this.store.read(() => {
      const range = this.orders.getRange({ start: position + 1, limit });
      return [...range].map(({ key, value }) => ({ position: key, order: value }));
    });
  }
}
