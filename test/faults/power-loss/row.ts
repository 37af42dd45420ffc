/** What every row of the table is told. */
export interface RowOptions {
  /** Replays the same choices. */
  readonly seed: number;
  /** Smaller counts, for every change. */
  readonly short: boolean;
}

export interface RowOutcome {
  readonly row: string;
  readonly holds: boolean;
  readonly counts: Readonly<Record<string, number>>;
  /** The one figure to read. */
  readonly figure: string;
  /** What fell short, first ones only; empty when the row holds. */
  readonly shortfalls: readonly string[];
}

const SHOWN = 10;

export function outcome(
  row: string,
  figure: string,
  counts: Readonly<Record<string, number>>,
  shortfalls: readonly string[],
): RowOutcome {
  return { row, holds: shortfalls.length === 0, counts, figure, shortfalls: shortfalls.slice(0, SHOWN) };
}
