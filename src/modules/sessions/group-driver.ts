import type { Clock, Timer } from '../../common/clock.js';
import { repeat } from '../../common/repeat.js';
import {
  type AppendOutcome,
  type EntryDraft,
  entryKey,
  InboxLog,
  InboxService,
  type LogRow,
  passOverUnavailable,
} from '../inbox/index.js';
import { decodeEntry, type Entry } from './group-entry.js';
import type { GroupLog } from './group-log.js';
import type { GroupState } from './group-state.js';
import { type GroupStates, keepsEnded } from './group-states.js';
import type { SessionsSettings } from './sessions.settings.js';

/** Rows that go out together: the same for every kind of store. */
const CHUNK_ROWS = 256;
const ROUND_BYTES = 4 * 1024 * 1024;
const RETRY_MS = 500;
const RAISE_MS = 500;
const OPEN_PAGE = 100;
/** Entries of a group that others drive, until it is asked how far they are. */
const MOST_BEHIND = 1_000;

interface Delivery {
  readonly nodeId: string;
  readonly draft: EntryDraft;
}

/**
 * Brings entries of groups into the inboxes of those whom they are for. Whoever drives an entry first drives all that is
 * open below it, and what fails for one inbox fails every later entry of the round: so each inbox has them in order.
 * What is driven twice changes nothing, since an inbox takes an entry only above what it has of the group.
 */
export class GroupDriver {
  private readonly raised = new Map<string, LogRow>();
  private seen = new Map<string, number>();
  private timers: Timer[] = [];
  private stopped = false;

  constructor(
    private readonly log: InboxLog,
    private readonly groups: GroupLog,
    private readonly inbox: InboxService,
    private readonly states: GroupStates,
    private readonly clock: Clock,
    private readonly settings: Pick<SessionsSettings, 'eventsMembers' | 'openEntryRecoveryMs'>,
  ) {}

  /** Drives what was left open at once, and then what others leave open for too long. */
  start(): void {
    const { openEntryRecoveryMs } = this.settings;
    void this.recover(true).catch(passOverUnavailable);
    this.timers = [
      repeat(
        this.clock,
        () => openEntryRecoveryMs,
        () => this.recover(false).catch(passOverUnavailable),
      ),
      repeat(
        this.clock,
        () => RAISE_MS,
        () => this.raise().catch(passOverUnavailable),
      ),
    ];
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.timers) timer.cancel();
  }

  /** Drives the group until nothing of it is left to do. */
  drive(state: GroupState): void {
    if (state.isDriving || this.stopped) return;
    state.isDriving = true;
    void this.run(state);
  }

  /** Groups whose driven entries are not marked as such yet. */
  get unraised(): number {
    return this.raised.size;
  }

  private async run(state: GroupState): Promise<void> {
    while (!this.stopped && state.driven < state.n) {
      const isDone = await this.round(state).catch((error: unknown) => passOverUnavailable(error));
      if (!isDone) await this.clock.pause(RETRY_MS);
      state.usedAt = this.clock.monotonic();
    }
    // In the same turn as the last look: what is stored from now on finds nobody driving and starts anew.
    state.isDriving = false;
  }

  /** Whether all of it went well. */
  private async round(state: GroupState): Promise<boolean> {
    const rows = await this.undriven(state);
    const [last] = rows.slice(-1);
    if (!last) return state.driven >= state.n;
    await this.states.at(state.log, last.n);
    await this.project(state);
    const failed = await this.deliver(this.deliveries(state, rows));
    this.advance(state, failed === undefined ? last : rows.find(({ n }) => n === failed - 1));
    return failed === undefined;
  }

  /** The next entries. Those of others may have been driven by them. */
  private async undriven(state: GroupState): Promise<LogRow[]> {
    const first = state.own.get(state.driven + 1);
    if (!first) return this.readUndriven(state);
    const rows: LogRow[] = [];
    let bytes = 0;
    for (let row: LogRow | undefined = first; row && rows.length < CHUNK_ROWS; row = state.own.get(row.n + 1)) {
      bytes += row.body.length;
      if (rows.length > 0 && bytes > ROUND_BYTES) break;
      rows.push(row);
    }
    return rows;
  }

  private async readUndriven(state: GroupState): Promise<LogRow[]> {
    const [marks] = await this.log.marks([state.log]);
    if (marks && marks.acked > state.driven) this.settle(state, marks.acked);
    const after = state.driven;
    const range = { after, before: Number.MAX_SAFE_INTEGER, limit: CHUNK_ROWS, maxBytes: ROUND_BYTES };
    return this.log.read(state.log, range);
  }

  /** Rows first, then what is raised behind them: whoever loads the group reads in the other order. */
  async project(state: GroupState): Promise<void> {
    const stays = [...state.unprojected];
    const record = state.recordUnprojected ? state.record : undefined;
    const most = Math.max(stays.length, Number(record !== undefined));
    for (let from = 0; from < most; from += CHUNK_ROWS) {
      const chunk = stays.slice(from, from + CHUNK_ROWS);
      await this.groups.project(
        state.log,
        chunk.map(([, stay]) => stay),
        record,
      );
      for (const [key, stay] of chunk) if (state.unprojected.get(key) === stay) state.unprojected.delete(key);
    }
    if (state.record === record) state.recordUnprojected = false;
  }

  private deliveries(state: GroupState, rows: readonly LogRow[]): Delivery[] {
    return rows.flatMap((row) => {
      const entry = decodeEntry(row.body);
      const draft = draftOf(row, entry);
      return state.audience(row.n, entry, this.settings.eventsMembers).map((nodeId) => ({ nodeId, draft }));
    });
  }

  /** In chunks, each in order; the number of the first entry that failed for somebody. */
  private async deliver(deliveries: readonly Delivery[]): Promise<number | undefined> {
    for (let from = 0; from < deliveries.length; from += CHUNK_ROWS) {
      const chunk = deliveries.slice(from, from + CHUNK_ROWS);
      const outcomes = await Promise.all(chunk.map((delivery) => this.handIn(delivery)));
      const failed = outcomes.findIndex(({ kind }) => kind === 'refused');
      if (failed >= 0) return chunk[failed]!.draft.entry;
    }
    return undefined;
  }

  private handIn({ nodeId, draft }: Delivery): Promise<AppendOutcome> {
    return new Promise((resolve) => this.inbox.append(nodeId, draft, resolve));
  }

  private advance(state: GroupState, last: LogRow | undefined): void {
    if (!last || last.n <= state.driven) return;
    this.settle(state, last.n);
    this.raised.set(state.log, last);
  }

  private settle(state: GroupState, driven: number): void {
    state.raiseDriven(driven);
    state.forgetEnded(keepsEnded(state.log));
  }

  /** Marks what was driven, some time later and for many groups at once; then none of it is open any more. */
  private async raise(): Promise<void> {
    const batch = [...this.raised];
    if (batch.length === 0) return;
    await this.log.raiseAcked(batch.map(([log, { n, totals }]) => ({ log, acked: n, ackedTotals: totals })));
    await Promise.all(batch.map(([log, { n }]) => this.groups.close(log, n)));
    for (const [log, row] of batch) if (this.raised.get(log) === row) this.raised.delete(log);
  }

  /** Drives what is open since the last look, or `atOnce`. The index of open entries is read, never the groups. */
  private async recover(atOnce: boolean): Promise<void> {
    const seen = new Map<string, number>();
    let after = '';
    for (let page = await this.groups.open(after, OPEN_PAGE); page.length > 0;) {
      for (const { log, n } of page) {
        seen.set(log, n);
        if (atOnce || this.seen.get(log) === n) await this.takeUp(log, n).catch(passOverUnavailable);
      }
      after = page.at(-1)!.log;
      page = await this.groups.open(after, OPEN_PAGE);
    }
    this.seen = seen;
    await this.learnDriven();
  }

  /** What ended in a group that is only read here would be kept as long as others drive it. */
  private async learnDriven(): Promise<void> {
    for (const state of this.states.behind(MOST_BEHIND)) {
      const [marks] = await this.log.marks([state.log]);
      const driven = Math.min(marks?.acked ?? 0, state.n);
      if (driven <= state.driven || state.isDriving) continue;
      // Projected before it was driven, and driven before it was marked so.
      state.projectedUpTo(driven);
      this.settle(state, driven);
    }
  }

  private async takeUp(log: string, n: number): Promise<void> {
    const state = await this.states.fresh(log);
    if (state.driven < n) return this.drive(state);
    // Driven, but not closed: whoever drove it did not get to that.
    const [row] = await this.log.at([{ log, n: state.driven }]);
    if (row) this.raised.set(log, row);
  }
}

function draftOf({ log, n, at }: LogRow, entry: Entry): EntryDraft {
  const report = entry.kind === 'message' && entry.report === true;
  return { kind: 'entry', key: entryKey(log, n), digest: '', report, group: log, entry: n, at, frame: entry.frame };
}
