import Denque from 'denque';
import type { StallGuard } from '../../common/stall-guard.js';
import type { Clock } from '../../common/clock.js';
import type { Draft, Moment, Pending, SeatState, Tail, Turn, WaitingLog } from './inbox.types.js';
import { NO_MARKS, NO_TOTALS, type Marks, type RowHead } from './inbox-log.js';

export function momentOf(clock: Clock, guard: StallGuard): Moment {
  return { stalls: guard.stalls(), at: clock.monotonic() };
}

/** So long (ms) a log counts as shared after a row of somebody else was seen. */
const SHARED_MS = 5_000;
/** A log with a turn so lately (ms) will have another at once: somebody who writes by hand never does. */
const BUSY_MS = 250;

const EMPTY: Tail = { n: 0, at: 0, totals: NO_TOTALS };

/** What one process knows of one log, and what waits to be appended to it. */
export class PendingLog<D extends Draft = Draft> implements WaitingLog<D> {
  readonly waiting = new Denque<Pending<D>>();
  readonly seats = new Map<string, SeatState>();
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
  /** Monotonic ms: until when it counts as shared. */
  private sharedUntil = -Infinity;
  /** Turns without a rest, while it is busy. */
  private turns = 0;
  /** Monotonic ms. */
  private turnEnded = -Infinity;

  constructor(readonly log: string) {}

  /** What was read: behind a row of somebody else nothing that depended on the tail is true any more. */
  learn(head: RowHead | undefined, asked: Moment): void {
    const passed = (head?.n ?? 0) !== this.tail.n;
    if (passed) this.seats.clear();
    // Behind a lost answer it may be an own row that passed.
    if (passed && this.learnt !== undefined && !this.failAfterLook) this.sharedUntil = asked.at + SHARED_MS;
    this.advance(head ?? EMPTY, asked);
    if (head) this.open = true;
  }

  /** An own row is the tail now: nobody was between it and what was known. */
  advance(tail: Tail, asked: Moment): void {
    this.tail = tail;
    this.learnt = asked;
  }

  /**
   * A tail is believed for a while, counted from when it was asked for; not across a standstill of the process, and
   * then not by an answer to an older question either. That a log is empty is not believed at all: what was answered to
   * its first writer must be known to the next.
   */
  trusted(now: Moment, trustMs: number): boolean {
    const { learnt } = this;
    return this.open && learnt !== undefined && learnt.stalls === now.stalls && now.at - learnt.at < trustMs;
  }

  /** Those that wait when a turn begins: only they may be refused by what it reads, for others it may have read too early. */
  mark(turn: Moment, limit: number): void {
    for (let at = 0; at < Math.min(limit, this.waiting.length); at += 1) this.waiting.peekAt(at)!.turn = turn;
  }

  marked(turn: Moment): Array<Pending<D>> {
    return this.waiting.toArray().filter((pending) => pending.turn === turn);
  }

  drafts(limit: number): D[] {
    const drafts: D[] = [];
    for (let at = 0; at < Math.min(limit, this.waiting.length); at += 1) drafts.push(this.waiting.peekAt(at)!.draft);
    return drafts;
  }

  /** Whether others are known to write to it, too: what is known of its tail was true for a moment only. */
  isShared(now: number): boolean {
    return now < this.sharedUntil;
  }

  /** Whether others are to have a turn at it now, because more waits or, as it is busy, will in a moment. */
  wantsRest(now: number, tiredAfter: number): boolean {
    const busy = !this.waiting.isEmpty() || now - this.turnEnded < BUSY_MS;
    this.turnEnded = now;
    this.turns = busy ? this.turns + 1 : 0;
    const rests = busy && (this.isShared(now) || this.turns >= tiredAfter);
    if (rests) this.turns = 0;
    // Who met others has to try again before they write more.
    return rests && this.conflicts === 0 && !this.failAfterLook;
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
