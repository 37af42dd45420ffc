import Denque from 'denque';
import type { StallGuard } from '../../common/stall-guard.js';
import type { Clock } from '../../common/clock.js';
import type { Moment, Pending, Tail, Turn } from './inbox.types.js';
import { NO_MARKS, NO_TOTALS, type Marks, type RowHead } from './inbox-log.js';

export function momentOf(clock: Clock, guard: StallGuard): Moment {
  return { stalls: guard.stalls(), at: clock.monotonic() };
}

const EMPTY: Tail = { n: 0, at: 0, totals: NO_TOTALS };

/** What one process knows of one log, and what waits to be appended to it. */
export class PendingLog {
  readonly waiting = new Denque<Pending>();
  tail = EMPTY;
  marks: Marks = NO_MARKS;
  /** Somebody may write to it: it has a row, or its owner is known. Never becomes false again. */
  open = false;
  /** Inserts in a row that met somebody else's row. */
  conflicts = 0;
  /** The tail must be read and the keys looked for before anything else is inserted or refused. */
  mustLook = false;
  /** Whatever the look does not find is to be refused: an answer was lost, and what follows must not overtake. */
  failAfterLook = false;
  queued = false;
  private learnt: Moment | undefined;

  constructor(readonly log: string) {}

  learn(head: RowHead | undefined, asked: Moment): void {
    this.tail = head ?? EMPTY;
    this.learnt = asked;
    if (head) this.open = true;
  }

  /**
   * A tail is believed for a while, counted from when it was asked for; not across a standstill of the process, and
   * then not by an answer to an older question either.
   */
  trusted(now: Moment, trustMs: number): boolean {
    return this.learnt !== undefined && this.learnt.stalls === now.stalls && now.at - this.learnt.at < trustMs;
  }

  /**
   * Whether the first of the waiting, and so perhaps all, cannot be answered in time any more. What waited behind a slow
   * turn would take as long again; what came after it may find the store well.
   */
  late(now: Moment, deadlineMs: number, last: Turn): boolean {
    const first = this.waiting.peekFront();
    if (!first) return false;
    const ahead = first.since < last.ended ? last.took : 0;
    return now.at - first.since + ahead > deadlineMs;
  }
}
