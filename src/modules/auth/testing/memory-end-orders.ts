import { type EndOrder, type EndOrderRow, EndOrders } from '../end-orders.js';

/** Orders in memory, which several processes of a test may share; `isAway` makes every call fail. */
export class MemoryEndOrders extends EndOrders {
  isAway = false;
  reads = 0;
  readonly rows: EndOrderRow[] = [];
  /** Of each row, for how long it was to be kept. Nothing is forgotten here. */
  readonly keepMs: number[] = [];

  async add(order: EndOrder, keepMs = Infinity): Promise<void> {
    this.answer();
    this.keepMs.push(keepMs);
    this.rows.push({ position: this.rows.length + 1, order });
  }

  async after(position: number, limit: number): Promise<EndOrderRow[]> {
    this.reads += 1;
    this.answer();
    return this.rows.slice(position, position + limit);
  }

  private answer(): void {
    if (this.isAway) throw new Error('the store is away');
  }
}
