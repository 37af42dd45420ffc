import type { ServerNodeRow } from './server-nodes.js';

interface Observed {
  readonly row: ServerNodeRow;
  /** Own monotonic time when the answer with this heartbeat was there. */
  readonly changedAt: number;
  /** A heartbeat was seen to rise: it surely lives, or did. */
  readonly rose: boolean;
  dead: boolean;
}

export interface Changes {
  /** New, or back from the dead. */
  readonly appeared: readonly ServerNodeRow[];
  /** They have no place any more, whether they left, lapsed, or another run took it; `wasDead`: that was known. */
  readonly vanished: ReadonlyArray<{ readonly row: ServerNodeRow; readonly wasDead: boolean }>;
}

export interface ObservationLimits {
  readonly staleMs: number;
  /** Turns that are further apart (ms) say nothing of the time between them. */
  readonly longestGapMs: number;
}

/**
 * What a process concludes from the heartbeats that it sees, by its own monotonic clock alone. A heartbeat that stands
 * still is a sign of death only while others get through: time counts from turn to turn, each of which read all
 * heartbeats and wrote its own, and turns far apart, or one that failed, begin the count anew for all. Two readings
 * long after each other, with the store away for everybody in between, prove nothing.
 */
export class Observations {
  private observed = new Map<string, Observed>();
  /** When the unbroken row of turns began, and its last one. */
  private since = 0;
  private last: number | undefined;

  constructor(private readonly limits: ObservationLimits) {}

  /** All that hold a place, as read just now. */
  take(rows: readonly ServerNodeRow[], at: number): Changes {
    const before = this.observed;
    this.observed = new Map(rows.map((row) => [row.bootId, observe(before.get(row.bootId), row, at)]));
    const isNew = ({ row, dead }: Observed): boolean => !dead && (before.get(row.bootId)?.dead ?? true);
    return {
      appeared: [...this.observed.values()].filter(isNew).map(({ row }) => row),
      vanished: [...before.values()]
        .filter(({ row }) => !this.observed.has(row.bootId))
        .map(({ row, dead }) => ({ row, wasDead: dead })),
    };
  }

  /** A turn whose reading was sent at `at` has succeeded. Answers those that are dead by now and were not before. */
  judge(at: number, ownBootId: string): ServerNodeRow[] {
    const { staleMs, longestGapMs } = this.limits;
    if (this.last === undefined || at - this.last > longestGapMs) this.since = at;
    this.last = at;
    const died = [...this.observed.values()].filter(
      ({ row, dead, changedAt }) =>
        !dead && row.bootId !== ownBootId && at - Math.max(changedAt, this.since) >= staleMs,
    );
    for (const each of died) each.dead = true;
    return died.map(({ row }) => row);
  }

  /** A turn has failed. */
  interrupt(): void {
    this.last = undefined;
  }

  holds(bootId: string): boolean {
    return this.observed.has(bootId);
  }

  get boots(): Iterable<string> {
    return this.observed.keys();
  }

  isLive(bootId: string): boolean {
    return this.observed.get(bootId)?.dead === false;
  }

  get live(): ServerNodeRow[] {
    return [...this.observed.values()].filter(({ dead }) => !dead).map(({ row }) => row);
  }

  get dead(): ServerNodeRow[] {
    return [...this.observed.values()].filter(({ dead }) => dead).map(({ row }) => row);
  }

  /** Whose heartbeat rose before its eyes and has not been still for long: one may send newcomers there. */
  get beating(): ServerNodeRow[] {
    const quietMs = ({ changedAt }: Observed): number => (this.last ?? 0) - Math.max(changedAt, this.since);
    const mostMs = (this.limits.staleMs * 2) / 3;
    return [...this.observed.values()]
      .filter((each) => each.rose && !each.dead && quietMs(each) < mostMs)
      .map(({ row }) => row);
  }
}

function observe(before: Observed | undefined, row: ServerNodeRow, at: number): Observed {
  if (!before) return { row, changedAt: at, rose: false, dead: false };
  if (before.row.beat === row.beat) return before;
  return { row, changedAt: at, rose: true, dead: false };
}
