import type { Database } from 'lmdb';
import { entryOfKey, type Seat, type SeatRow } from '../../modules/inbox/index.js';
import type { EmbeddedStore } from './embedded-store.js';

type SeatKey = [log: string, group: string];

/**
 * How far each group was in each inbox. Of rows that are there the journal's index knows it; of removed ones a number
 * is kept here, and those that are there are newer.
 */
export class EmbeddedSeats {
  private readonly removed: Database<number, SeatKey>;

  constructor(private readonly store: EmbeddedStore) {
    this.removed = store.json('seats');
  }

  of({ log, group }: Seat): SeatRow | undefined {
    const { journal } = this.store;
    const position = journal.newestOfSeat(log, group);
    const row = position === undefined ? undefined : journal.encoded(position)?.row();
    if (row) return { entry: entryOfKey(row.key)!.entry, n: row.n, body: row.body };
    const entry = this.removed.get([log, group]);
    return entry === undefined ? undefined : { entry, n: 0, body: '' };
  }

  /** Inside a write transaction: rows with these keys are being removed from an inbox. */
  remember(log: string, rows: ReadonlyArray<{ readonly key: string }>): void {
    const highest = new Map<string, number>();
    for (const { key } of rows) {
      const seat = entryOfKey(key);
      if (seat) highest.set(seat.group, Math.max(seat.entry, highest.get(seat.group) ?? 0));
    }
    for (const [group, entry] of highest) {
      if (entry > (this.removed.get([log, group]) ?? 0)) void this.removed.put([log, group], entry);
    }
  }
}
