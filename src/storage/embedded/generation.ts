import { entryOfKey } from '../../modules/inbox/index.js';

/** The rows of one log in a generation: contiguous from `firstN`. */
export interface LogPart {
  readonly firstN: number;
  /** Journal positions of firstN, firstN + 1 … */
  readonly positions: number[];
  /** Message key to journal position. */
  readonly keys: Map<string, number>;
  /** Group to the journal positions of its entries' rows, ascending; most logs have none. */
  seats: Map<string, number[]> | undefined;
}

/** Where a row lies. */
export interface Place {
  readonly n: number;
  readonly position: number;
}

/**
 * The index of a stretch of the journal, in memory: of all its rows behind one position, without a hole. Dropping it
 * as a whole costs nothing.
 */
export class Generation {
  readonly parts = new Map<string, LogPart>();
  /** Highest position in it; 0 when it is empty. */
  end = 0;
  rows = 0;

  /** Rows must come in the order of their positions. */
  add(log: string, n: number, key: string, position: number): void {
    let part = this.parts.get(log);
    if (!part) this.parts.set(log, (part = { firstN: n, positions: [], keys: new Map(), seats: undefined }));
    part.positions.push(position);
    part.keys.set(key, position);
    if (key.startsWith('g ')) addToSeat(part, key, position);
    this.end = position;
    this.rows += 1;
  }

  newest(log: string): Place | undefined {
    const part = this.parts.get(log);
    if (!part) return undefined;
    const last = part.positions.length - 1;
    return { n: part.firstN + last, position: part.positions[last]! };
  }

  position(log: string, n: number): number | undefined {
    const part = this.parts.get(log);
    return part?.positions[n - part.firstN];
  }

  positionOfKey(log: string, key: string): number | undefined {
    return this.parts.get(log)?.keys.get(key);
  }

  /** Journal positions of the rows that a group's entries have in an inbox, ascending. */
  seat(log: string, group: string): readonly number[] {
    return this.parts.get(log)?.seats?.get(group) ?? NO_POSITIONS;
  }
}

const NO_POSITIONS: readonly number[] = [];

function addToSeat(part: LogPart, key: string, position: number): void {
  const group = entryOfKey(key)?.group ?? '';
  part.seats ??= new Map<string, number[]>();
  const seat = part.seats.get(group);
  if (seat) seat.push(position);
  else part.seats.set(group, [position]);
}

/** How many of the ascending numbers are at least `lowest`. */
export function countFrom(ascending: readonly number[], lowest: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < lowest) low = middle + 1;
    else high = middle;
  }
  return ascending.length - low;
}
