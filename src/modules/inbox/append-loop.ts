import Denque from 'denque';
import type { Clock } from '../../common/clock.js';
import { randomId } from '../../common/ids.js';
import type { StallGuard } from '../../common/stall-guard.js';
import { Refusal } from '../../protocol/index.js';
import type { InboxSettings } from './inbox.settings.js';
import { seatIn } from './entry-ref.js';
import type {
  Admission,
  AppendOutcome,
  AppendRules,
  Draft,
  Moment,
  Pending,
  SeatState,
  Tail,
  Turn,
} from './inbox.types.js';
import { type InboxLog, type LogRow, passOverUnavailable, type RowHead } from './inbox-log.js';
import { momentOf, PendingLog } from './pending-log.js';

/** Meetings with other writers' rows in a row before a log's drafts are refused for now, and before it goes alone. */
const MAX_CONFLICTS = 3;
const ALONE_AFTER = 2;
const JITTER_MS = 10;
const RETRY_MS = 500;
/**
 * Who wrote to a shared log rests for so many turns: one that lost there has to read before it can insert again, and who
 * goes on at once beats it every time. What waits meanwhile goes in one batch.
 */
const REST_TURNS = { least: 5, most: 13 };
const MOST_REST_MS = 500;
/** After so many turns without one it rests too: others may meet its rows each time, and it would never know. */
const TIRED_AFTER_TURNS = 8;

interface Numbered<D extends Draft> {
  readonly state: PendingLog<D>;
  readonly pending: Pending<D>;
  readonly row: LogRow;
  /** What readers who are here are shown in place of the body. */
  readonly shown?: string;
}

type AdmittedRow = Extract<Admission, { kind: 'row' }>;

/**
 * The one way into a log. Optimistic: it numbers what waits behind the tail that it knows and inserts in order, without
 * a counter and without a lock; whoever meets another writer's row reads again, asks the rules again and renumbers.
 * Callers hand in and never wait for a commit; while one commit runs, the next batch gathers.
 */
export class AppendLoop<D extends Draft = Draft> {
  private readonly states = new Map<string, PendingLog<D>>();
  private readonly lanes: Array<Lane<D>>;
  private readonly run = randomId();
  private writers = 0;
  private depth = 0;

  constructor(
    private readonly log: InboxLog,
    private readonly rules: AppendRules<D>,
    private readonly clock: Clock,
    private readonly guard: StallGuard,
    private readonly settings: Pick<InboxSettings, 'tailTrustMs' | 'deadlineMs'>,
    /** Whether there is anybody else who may write to these logs. */
    private readonly othersWrite: () => boolean = () => false,
  ) {
    this.lanes = Array.from({ length: log.lanes }, () => new Lane<D>((lane) => this.turn(lane)));
  }

  /** Queues a draft; `settle` is called once, in the order of the drafts of one log, with what became of it. */
  append(log: string, draft: D, settle: (outcome: AppendOutcome) => void): void {
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

  private stateOf(log: string): PendingLog<D> {
    let state = this.states.get(log);
    if (!state) this.states.set(log, (state = new PendingLog<D>(log)));
    return state;
  }

  private laneOf(log: string): Lane<D> {
    let hash = 0;
    for (let at = 0; at < log.length; at += 1) hash = (hash * 31 + log.charCodeAt(at)) | 0;
    return this.lanes[Math.abs(hash) % this.lanes.length] as Lane<D>;
  }

  private async turn(lane: Lane<D>): Promise<void> {
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
      for (const state of states) this.putBack(lane, state);
    }
  }

  private putBack(lane: Lane<D>, state: PendingLog<D>): void {
    const { ended, took } = lane.last;
    const tiredAfter = this.othersWrite() ? TIRED_AFTER_TURNS : Infinity;
    if (!state.wantsRest(ended, tiredAfter)) return lane.putBack(state);
    const turns = REST_TURNS.least + Math.random() * (REST_TURNS.most - REST_TURNS.least);
    this.clock.after(Math.min(MOST_REST_MS, turns * took), () => lane.putBack(state));
  }

  /** Makes sure that every log's tail may be believed, and looks for keys where a conflict or a refusal demands it. */
  private async prepare(states: ReadonlyArray<PendingLog<D>>, began: Moment): Promise<void> {
    for (const state of states) state.mark(began, this.log.maxBatch);
    const { tailTrustMs } = this.settings;
    const stale = states.filter(
      (state) => state.mustLook || state.isShared(began.at) || !state.trusted(began, tailTrustMs),
    );
    if (stale.length > 0) await this.readTails(stale, began);
    await this.rules.ready(states);
    for (const state of states) {
      if (state.mustLook) await this.look(state, began);
      if (!state.open) await this.refuseFirst(state, began);
    }
  }

  private async readTails(states: ReadonlyArray<PendingLog<D>>, asked: Moment): Promise<void> {
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
  private async look(state: PendingLog<D>, began: Moment): Promise<void> {
    const asked = state.marked(began);
    const keys = asked.map(({ draft }) => draft.key);
    const heads = await this.log.findKeys(state.log, keys);
    state.mustLook = false;
    const own = await this.ownRows(asked, heads);
    asked.forEach((pending, index) => {
      const head = heads[index];
      if (!head) pending.missedIn = began;
      else if (pending === state.waiting.peekFront()) this.settleFound(state.waiting.shift()!, own.get(head.n) ?? head);
    });
    if (state.failAfterLook) this.refuseAll(state);
  }

  /** By n. What it says was decided when it was written, and by now may be decided otherwise: it is read, not made again. */
  private async ownRows(
    asked: ReadonlyArray<Pending<D>>,
    heads: ReadonlyArray<RowHead | undefined>,
  ): Promise<Map<number, LogRow>> {
    const own = heads.filter((head, index) => head && head.writer === asked[index]?.writer) as RowHead[];
    const rows = own.length > 0 ? await this.log.at(own) : [];
    return new Map(rows.map((row) => [row.n, row]));
  }

  private settleFound({ draft, settle, writer }: Pending<D>, found: RowHead | LogRow): void {
    if (found.writer === writer && 'body' in found) this.confirm([found], [settle]);
    else if (found.writer === writer || found.digest === draft.digest) settle({ kind: 'duplicate' });
    else settle({ kind: 'refused', refusal: new Refusal('id_conflict', { field: 'id' }) });
  }

  private async refuseFirst(state: PendingLog<D>, began: Moment): Promise<void> {
    for (let first = state.waiting.peekFront(); first?.turn === began; first = state.waiting.peekFront()) {
      if (state.open) return;
      const refusal = await this.rules.first(state.log, first.draft);
      if (refusal) state.waiting.shift()?.settle({ kind: 'refused', refusal });
      else state.open = true;
    }
  }

  /** One batch of what waits. Time has passed since the turn began: nothing is carried out late or on a stale tail. */
  private assemble(states: ReadonlyArray<PendingLog<D>>, began: Moment, last: Turn): Array<Numbered<D>> {
    const now = momentOf(this.clock, this.guard);
    const batch: Array<Numbered<D>> = [];
    for (const state of states) {
      if (state.late(now, this.settings.deadlineMs, last)) this.refuseAll(state);
      if (state.open && now.stalls === began.stalls) this.number(state, batch, began);
    }
    return batch;
  }

  /** Numbers what waits, as far as the rules let it in and the batch has room. */
  private number(state: PendingLog<D>, batch: Array<Numbered<D>>, began: Moment): void {
    let { tail } = state;
    const ahead = new Map<string, SeatState>();
    const seat = (group: string): SeatState | undefined => ahead.get(group) ?? state.seats.get(group);
    while (batch.length < this.log.maxBatch) {
      const pending = state.waiting.peekFront();
      const said = pending && this.rules.admit({ log: state.log, tail, marks: state.marks, seat }, pending.draft);
      if (!pending || !said) return;
      // There only because of a row of this batch, which is not stored yet.
      if (said.kind === 'nothing' && tail !== state.tail) return;
      // A final refusal needs a tail and a look of this turn, and waits for the answers before it: the next turn has all.
      const sure = pending.missedIn === began && (said.kind === 'row' || tail === state.tail);
      state.mustLook = !sure && (said.kind === 'refused' || said.fresh === true);
      if (state.mustLook) return;
      state.waiting.shift();
      if (said.kind === 'nothing') pending.settle({ kind: 'duplicate' });
      else if (said.kind === 'refused') pending.settle(said);
      else {
        const row = rowBehind(tail, state.log, pending, said, this.clock.now());
        batch.push({ state, pending, row, ...(said.shown !== undefined && { shown: said.shown }) });
        tail = row;
        const seen = seatIn(row);
        if (seen) ahead.set(seen.group, seen);
        if (said.barrier) return;
      }
    }
  }

  private async insert(batch: ReadonlyArray<Numbered<D>>): Promise<void> {
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

  private stored(batch: ReadonlyArray<Numbered<D>>, asked: Moment): void {
    for (const { state, row } of batch) {
      state.conflicts = 0;
      state.advance(row, asked);
      const seat = seatIn(row);
      if (seat) state.seats.set(seat.group, seat);
    }
    const rows = batch.map(({ row, shown }) => (shown === undefined ? row : { ...row, body: shown }));
    const settles = batch.map(({ pending }) => pending.settle);
    this.confirm(rows, settles);
  }

  private confirm(rows: readonly LogRow[], settles: ReadonlyArray<Pending<D>['settle']>): void {
    rows.forEach((row, index) => settles[index]?.({ kind: 'stored', row }));
    if (rows.length > 0) this.rules.appended(rows);
  }

  private returnToQueues(batch: ReadonlyArray<Numbered<D>>): void {
    for (const { state, pending } of batch.toReversed()) state.waiting.unshift(pending);
  }

  private async meetOther(state: PendingLog<D>, stoppedBy: 'n' | 'key'): Promise<void> {
    state.mustLook = true;
    if (stoppedBy === 'key') return;
    state.conflicts += 1;
    state.failAfterLook ||= state.conflicts > MAX_CONFLICTS;
    await this.clock.pause(Math.random() * JITTER_MS * state.conflicts);
  }

  /** All of them and in order: what follows a failed draft may not overtake it. */
  private refuseAll(state: PendingLog<D>): void {
    state.failAfterLook = false;
    state.conflicts = 0;
    const refusal = new Refusal('retry_later', { reason: 'not stored, or unknown', retryAfterMs: RETRY_MS });
    const refused = state.waiting.toArray();
    state.waiting.clear();
    for (const { settle } of refused) settle({ kind: 'refused', refusal });
  }
}

/** One insert at a time, for the logs that hash to it. */
class Lane<D extends Draft> {
  last: Turn = { ended: 0, took: 0 };
  private readonly ready = new Denque<PendingLog<D>>();
  private running = false;

  constructor(private readonly turn: (lane: Lane<D>) => Promise<void>) {}

  add(state: PendingLog<D>): void {
    if (state.queued) return;
    state.queued = true;
    this.ready.push(state);
    this.start();
  }

  /** The logs of the next batch: about as many as fill it; one that keeps meeting others goes alone. */
  take(rows: number): Array<PendingLog<D>> {
    const taken: Array<PendingLog<D>> = [];
    for (let sum = 0; sum < rows && !this.ready.isEmpty();) {
      const next = this.ready.peekFront() as PendingLog<D>;
      const alone = next.conflicts >= ALONE_AFTER;
      if (alone && taken.length > 0) break;
      this.ready.shift();
      taken.push(next);
      if (alone) break;
      sum += next.waiting.length;
    }
    return taken;
  }

  putBack(state: PendingLog<D>): void {
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

function rowBehind<D extends Draft>(
  tail: Tail,
  log: string,
  { draft, writer }: Pending<D>,
  { body, counts, at = 0, open }: AdmittedRow,
  now: number,
): LogRow {
  const { key, digest, report } = draft;
  const totals = { count: tail.totals.count + counts.count, bytes: tail.totals.bytes + counts.bytes };
  const since = Math.max(tail.at, at || now);
  return { log, n: tail.n + 1, key, digest, writer, at: since, totals, report, body, ...(open && { open }) };
}
