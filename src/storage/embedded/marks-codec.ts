import type { Marks } from '../../modules/inbox/index.js';

/** What is kept of a log beside its rows. */
export interface StoredMarks extends Marks {
  /** Rows below it have no bodies any more. */
  readonly emptiedBelow: number;
}

const NUMBERS = 7;

export function encodeMarks(marks: StoredMarks): Buffer {
  const bytes = Buffer.allocUnsafe(NUMBERS * 8);
  const { acked, ackedTotals, floor, floorTotals, emptiedBelow } = marks;
  const numbers = [
    acked,
    ackedTotals.count,
    ackedTotals.bytes,
    floor,
    floorTotals.count,
    floorTotals.bytes,
    emptiedBelow,
  ];
  numbers.forEach((number, i) => bytes.writeDoubleBE(number, i * 8));
  return bytes;
}

export function decodeMarks(bytes: Buffer): StoredMarks {
  const number = (i: number): number => bytes.readDoubleBE(i * 8);
  return {
    acked: number(0),
    ackedTotals: { count: number(1), bytes: number(2) },
    floor: number(3),
    floorTotals: { count: number(4), bytes: number(5) },
    emptiedBelow: number(6),
  };
}
