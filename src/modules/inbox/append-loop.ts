import Denque from 'denque';
import type { Clock } from '../../common/clock.js';
import { randomId } from '../../common/ids.js';
import type { StallGuard } from '../../common/stall-guard.js';
import { Refusal } from '../../protocol/index.js';
import type { InboxSettings } from './inbox.settings.js';
import type { AppendOutcome, AppendRules, Draft, Moment, Pending, Tail, Turn } from './inbox.types.js';
import { type InboxLog, type LogRow, passOverUnavailable, type RowHead } from './inbox-log.js';
import { momentOf, PendingLog } from './pending-log.js';

/** Meetings with other writers' rows in a row before a log's drafts are refused for now, and before it goes alone. */
const MAX_CONFLICTS = 3;
const ALONE_AFTER = 2;
const JITTER_MS = 10;
const RETRY_MS = 500;

interface Numbered {
  readonly state: PendingLog;
  readonly pending: Pending;
  readonly row: LogRow;
}

/**
 * The one way into a log. Optimistic: it numbers what waits behind the tail that it knows and inserts in order, without
 * a counter and without a lock; whoever meets another writer's row reads again, asks the rules again and renumbers.
 * Callers hand in and never wait for a commit; while one commit runs, the next batch gathers.
 */
export class AppendLoop {
  private readonly states = new Map<string, PendingLog>();
  private readonly lanes: Lane[];
  private readonly run = randomId();
  private writers = 0;
  private depth = 0;

  constructor(
    private readonly log: InboxLog,
    private readonly rules: AppendRules,
    private readonly clock: Clock,
    private readonly guard: StallGuard,
    private readonly settings: Pick<InboxSettings, 'tailTrustMs' | 'deadlineMs'>,
  ) {
    this.lanes = Array.from({ length: log.lanes }, () => new Lane((lane) => this.turn(lane)));
  }

  /** Queues a draft; `settle` is called once, in the order of the drafts of one log, with what became of it. */
  append(log: string, draft: Draft, settle: (outcome: AppendOutcome) => void): void {
    const state = this.stateOf(log);
    this.writers += 1;
    this.depth += 1;
    const counted = (outcome: AppendOutcome): void => {
      this.depth -= 1;
      settle(outcome);
    };
    const writer = this.run + this.writers.toString(36);
    state.waiting.push({ draft, settle: counted, writer, since: this.clock.monotonic() });
    this.laneOf(log).add(state);
  }

  /** Drafts that wait for an answer. */
  get waiting(): number {
    return this.depth;
  }

  /** Logs that it holds something of. */
  get size(): number {
    return this.states.size;
  }

  /** Forgets logs in which nothing happens any more. */
  sweep(): void {
    const now = momentOf(this.clock, this.guard);
    for (const [log, state] of this.states) {
      if (!state.queued && !state.trusted(now, this.settings.tailTrustMs)) this.states.delete(log);
    }
  }

  private stateOf(log: string): PendingLog {
    let state = this.states.get(log);
    if (!state) this.states.set(log, (state = new PendingLog(log)));
    return state;
  }

  private laneOf(log: string): Lane {
    let hash = 0;
    for (let at = 0; at < log.length; at += 1) hash = (hash * 31 + log.charCodeAt(at)) | 0;
    return this.lanes[Math.abs(hash) % this.lanes.length] as Lane;
  }

  private async turn(lane: Lane): Promise<void> {
    const states = lane.take(this.log.maxBatch);
    const began = momentOf(this.clock, this.guard);
    try {
      await this.prepare(states, began);
      const batch = this.assemble(states, began, lane.last);
      if (batch.length > 0) await this.insert(batch);
    } catch (error) {
      passOverUnavailable(error);
      for (const state of states) this.refuseAll(state);
    } finally {
      const ended = this.clock.monotonic();
      lane.last = { ended, took: ended - began.at };
      for (const state of states) lane.putBack(state);
    }
  }

  /** Makes sure that every log's tail may be believed, and looks for keys where a conflict or a refusal demands it. */
  private async prepare(states: readonly PendingLog[], began: Moment): Promise<void> {
    const stale = states.filter((state) => state.mustLook || !state.trusted(began, this.settings.tailTrustMs));
    if (stale.length > 0) await this.readTails(stale, began);
    for (const state of states) {
      if (state.mustLook) await this.look(state, began);
      if (!state.open) await this.refuseFirst(state);
    }
  }

  private async readTails(states: readonly PendingLog[], asked: Moment): Promise<void> {
    const logs = states.map((state) => state.log);
    const [heads, marks] = await Promise.all([this.log.newest(logs), this.log.marks(logs)]);
    states.forEach((state, index) => {
      state.learn(heads[index], asked);
      state.marks = marks[index] ?? state.marks;
    });
  }

  /**
   * Which of the waiting are in the log already? A store names only one of two conflicts and an answer can be lost
   * after the commit, so the key is the only witness: under it stands one's own row, or the first of a repeat. One that
   * is found behind one that is not keeps its place: answers keep the order too.
   */
  private async look(state: PendingLog, began: Moment): Promise<void> {
    const asked = state.waiting.toArray().slice(0, this.log.maxBatch);
    const keys = asked.map(({ draft }) => draft.key);
    const heads = await this.log.findKeys(state.log, keys);
    state.mustLook = false;
    asked.forEach((pending, index) => {
      const head = heads[index];
      if (!head) pending.missedIn = began;
      else if (pending === state.waiting.peekFront()) this.settleFound(state.waiting.shift() as Pending, head);
    });
    if (state.failAfterLook) this.refuseAll(state);
  }

  private settleFound({ draft, settle, writer }: Pending, head: RowHead): void {
    if (head.writer === writer) this.confirm([{ ...head, body: draft.body }], [settle]);
    else if (head.digest === draft.digest) settle({ kind: 'duplicate' });
    else settle({ kind: 'refused', refusal: new Refusal('id_conflict', { field: 'id' }) });
  }

  private async refuseFirst(state: PendingLog): Promise<void> {
    for (let first = state.waiting.peekFront(); first && !state.open; first = state.waiting.peekFront()) {
      const refusal = await this.rules.first(state.log, first.draft);
      if (refusal) state.waiting.shift()?.settle({ kind: 'refused', refusal });
      else state.open = true;
    }
  }

  /** One batch of what waits. Time has passed since the turn began: nothing is carried out late or on a stale tail. */
  private assemble(states: readonly PendingLog[], began: Moment, last: Turn): Numbered[] {
    const now = momentOf(this.clock, this.guard);
    const batch: Numbered[] = [];
    for (const state of states) {
      if (state.late(now, this.settings.deadlineMs, last)) this.refuseAll(state);
      if (now.stalls === began.stalls) this.number(state, batch, began);
    }
    return batch;
  }

  /** Numbers what waits, as far as the rules let it in and the batch has room. */
  private number(state: PendingLog, batch: Numbered[], began: Moment): void {
    let { tail } = state;
    while (batch.length < this.log.maxBatch) {
      const pending = state.waiting.peekFront();
      if (!pending) return;
      const refusal = this.rules.admit({ totals: tail.totals, marks: state.marks }, pending.draft);
      // A final refusal needs a tail and a look of this turn, and waits for the answers before it: the next turn has all.
      state.mustLook = refusal !== undefined && (pending.missedIn !== began || tail !== state.tail);
      if (state.mustLook) return;
      state.waiting.shift();
      if (refusal) pending.settle({ kind: 'refused', refusal });
      else batch.push({ state, pending, row: (tail = this.rowBehind(tail, state.log, pending)) });
    }
  }

  private rowBehind(tail: Tail, log: string, { draft, writer }: Pending): LogRow & Tail {
    const { key, digest, body, bytes, report } = draft;
    const totals = { count: tail.totals.count + 1, bytes: tail.totals.bytes + bytes };
    return { log, n: tail.n + 1, key, digest, writer, at: Math.max(tail.at, this.clock.now()), totals, report, body };
  }

  private async insert(batch: readonly Numbered[]): Promise<void> {
    const asked = momentOf(this.clock, this.guard);
    try {
      const { inserted, stoppedBy } = await this.log.insert(batch.map(({ row }) => row));
      this.stored(batch.slice(0, inserted), asked);
      this.returnToQueues(batch.slice(inserted));
      const stopped = batch[inserted];
      if (stopped && stoppedBy) await this.meetOther(stopped.state, stoppedBy);
    } catch (error) {
      passOverUnavailable(error);
      this.returnToQueues(batch);
      for (const { state } of batch) state.mustLook = state.failAfterLook = true;
    }
  }

  private stored(batch: readonly Numbered[], asked: Moment): void {
    for (const { state, row } of batch) {
      state.conflicts = 0;
      state.learn(row, asked);
    }
    const rows = batch.map(({ row }) => row);
    const settles = batch.map(({ pending }) => pending.settle);
    this.confirm(rows, settles);
  }

  private confirm(rows: readonly LogRow[], settles: ReadonlyArray<Pending['settle']>): void {
    rows.forEach((row, index) => settles[index]?.({ kind: 'stored', row }));
    if (rows.length > 0) this.rules.appended(rows);
  }

  private returnToQueues(batch: readonly Numbered[]): void {
    for (const { state, pending } of batch.toReversed()) state.waiting.unshift(pending);
  }

  private async meetOther(state: PendingLog, stoppedBy: 'n' | 'key'): Promise<void> {
    state.mustLook = true;
    if (stoppedBy === 'key') return;
    state.conflicts += 1;
    state.failAfterLook ||= state.conflicts > MAX_CONFLICTS;
    await this.clock.pause(Math.random() * JITTER_MS * state.conflicts);
  }

  /** All of them and in order: what follows a failed draft may not overtake it. */
  private refuseAll(state: PendingLog): void {
    state.failAfterLook = false;
    state.conflicts = 0;
    const refusal = new Refusal('retry_later', { reason: 'not stored, or unknown', retryAfterMs: RETRY_MS });
    const refused = state.waiting.toArray();
    state.waiting.clear();
    for (const { settle } of refused) settle({ kind: 'refused', refusal });
  }
}

/** One insert at a time, for the logs that hash to it. */
class Lane {
  last: Turn = { ended: 0, took: 0 };
  private readonly ready = new Denque<PendingLog>();
  private running = false;

  constructor(private readonly turn: (lane: Lane) => Promise<void>) {}

  add(state: PendingLog): void {
    if (state.queued) return;
    state.queued = true;
    this.ready.push(state);
    this.start();
  }

  /** The logs of the next batch: about as many as fill it; one that keeps meeting others goes alone. */
  take(rows: number): PendingLog[] {
    const taken: PendingLog[] = [];
    for (let sum = 0; sum < rows && !this.ready.isEmpty();) {
      const next = this.ready.peekFront() as PendingLog;
      const alone = next.conflicts >= ALONE_AFTER;
      if (alone && taken.length > 0) break;
      this.ready.shift();
      taken.push(next);
      if (alone) break;
      sum += next.waiting.length;
    }
    return taken;
  }

  putBack(state: PendingLog): void {
    state.queued = false;
    if (!state.waiting.isEmpty()) this.add(state);
  }

  /** Behind everything that this turn of the event loop brings in, so that it goes along. */
  private start(): void {
    if (this.running) return;
    this.running = true;
    setImmediate(() => void this.loop());
  }

  private async loop(): Promise<void> {
    while (!this.ready.isEmpty()) await this.turn(this);
    this.running = false;
  }
}
