import { NO_MARKS, type Totals } from '../../modules/inbox/index.js';
import { logKey } from './index-keys.js';
import type { BinaryTable } from './environment.js';
import { decodeMarks, encodeMarks, type StoredMarks } from './marks-codec.js';

const NONE: StoredMarks = { ...NO_MARKS, emptiedBelow: 1 };

export interface Acknowledgement {
  readonly log: string;
  readonly acked: number;
  readonly ackedTotals: Totals;
}

/** The marks of all logs. Everything that raises runs inside a write transaction. */
export class EmbeddedMarks {
  constructor(private readonly table: BinaryTable) {}

  of(log: string): StoredMarks {
    const bytes = this.table.getBinary(logKey(log));
    return bytes ? decodeMarks(bytes) : NONE;
  }

  /** Answers what it was before. */
  raiseAcked({ log, acked, ackedTotals }: Acknowledgement): number {
    const before = this.of(log);
    if (acked > before.acked) this.put(log, { ...before, acked, ackedTotals });
    return before.acked;
  }

  raiseFloor(log: string, floor: number, floorTotals: Totals): void {
    const before = this.of(log);
    if (floor > before.floor) this.put(log, { ...before, floor, floorTotals });
  }

  raiseEmptied(log: string, emptiedBelow: number): void {
    const before = this.of(log);
    if (emptiedBelow > before.emptiedBelow) this.put(log, { ...before, emptiedBelow });
  }

  private put(log: string, marks: StoredMarks): void {
    void this.table.put(logKey(log), encodeMarks(marks));
  }
}
