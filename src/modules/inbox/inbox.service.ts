import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Clock, type Timer } from '../../common/clock.js';
import { StallGuard } from '../../common/stall-guard.js';
import { durableFrame, goneFrame, type InboxPage, type InboxQuery, Refusal } from '../../protocol/index.js';
import { NodesService } from '../nodes/index.js';
import { AckQueue } from './ack-queue.js';
import { AppendLoop } from './append-loop.js';
import { InboxLog, inboxLogOf, type LogRow, NO_MARKS, StoreUnavailable, type Totals } from './inbox-log.js';
import { InboxReader } from './inbox-reader.js';
import { InboxRules, pendingTotals } from './inbox-rules.js';
import { InboxSettings } from './inbox.settings.js';
import type { Acknowledged, AppendOutcome, DeliveryReport, Draft, InboxState, ReaderSink } from './inbox.types.js';
import { ReaderRegistry } from './reader-registry.js';
import { Retention } from './retention.js';

const SWEEP_MS = 30_000;
const DEFAULT_PAGE_ROWS = 200;
/** Reports are best effort: an acknowledgement by call looks through so many rows for them. */
const MOST_REPORTED_ROWS = 1_000;
const MOST_REPORTED_BYTES = 4 * 1024 * 1024;

/** The durable messages of each node: append, read, acknowledge, retain. */
@Injectable()
export class InboxService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly readers: ReaderRegistry;
  private readonly appends: AppendLoop;
  private readonly acks: AckQueue;
  private readonly retention: Retention;
  private sweeping: Timer | undefined;
  private reportListener: (reports: readonly DeliveryReport[]) => void = () => {};

  constructor(
    private readonly log: InboxLog,
    private readonly settings: InboxSettings,
    private readonly clock: Clock,
    guard: StallGuard,
    nodes: NodesService,
  ) {
    this.readers = new ReaderRegistry(log, clock, settings);
    const rules = new InboxRules(nodes, settings, (rows) => this.readers.offer(rows));
    this.appends = new AppendLoop(log, rules, clock, guard, settings);
    this.acks = new AckQueue(log, clock, (of, acked) => this.raised(of, acked));
    this.retention = new Retention(log, settings, clock);
    guard.onLongStall(() => this.appends.drop());
  }

  onApplicationBootstrap(): void {
    this.readers.startPolling();
    this.retention.start();
    this.sweeping = this.clock.every(SWEEP_MS, () => this.appends.sweep());
  }

  onModuleDestroy(): void {
    this.readers.stopPolling();
    this.retention.stop();
    this.sweeping?.cancel();
  }

  /** Queues a message for a node; `settle` is called when it is durable, known as a repeat, or refused. */
  append(nodeId: string, draft: Draft, settle: (outcome: AppendOutcome) => void): void {
    this.appends.append(inboxLogOf(nodeId), draft, settle);
  }

  /** Makes a reader that is told of new rows from now on; it writes nothing before its `start`. */
  reader(nodeId: string, sink: ReaderSink): InboxReader {
    const now = (): number => this.clock.now();
    const reader = new InboxReader(inboxLogOf(nodeId), this.log, sink, this.settings, now);
    this.readers.add(reader);
    return reader;
  }

  removeReader(reader: InboxReader): void {
    reader.stop();
    this.readers.remove(reader);
  }

  async state(nodeId: string): Promise<InboxState> {
    const log = inboxLogOf(nodeId);
    const [epoch, [head], [found]] = await Promise.all([
      this.log.epoch(),
      this.log.newest([log]),
      this.log.marks([log]),
    ]);
    const marks = found ?? NO_MARKS;
    const pending = head ? pendingTotals(head.totals, marks).count : 0;
    return { epoch, floorSeq: marks.floor, tailSeq: head?.n ?? 0, ackedSeq: marks.acked, pending, marks };
  }

  /** A connection acknowledged; what its senders wanted to hear is told once it is durable. */
  acknowledge(nodeId: string, { seq, totals, reports }: Acknowledged): void {
    const log = inboxLogOf(nodeId);
    const done = (before: number): void => this.tell(nodeId, before, reports);
    if (totals) return this.acks.add(log, seq, totals, done);
    this.totalsAt(log, seq).then(
      (found) => this.acks.add(log, seq, found, done),
      // Nothing was promised: the client acknowledges again, or a higher number.
      (error: unknown) => this.throwUnlessUnavailable(error),
    );
  }

  /** As `acknowledge`, for a call that waits for the outcome: the acknowledged number after it. */
  async acknowledgeNow(nodeId: string, seq: number, epoch?: string): Promise<number> {
    const state = await this.state(nodeId);
    if (epoch !== undefined && epoch !== state.epoch) throw new Refusal('epoch_changed', { field: 'epoch' });
    if (seq > state.tailSeq)
      throw new Refusal('invalid_field', { field: 'seq', reason: `the tail is ${state.tailSeq}` });
    if (seq <= state.ackedSeq) return state.ackedSeq;
    const log = inboxLogOf(nodeId);
    const range = { after: state.ackedSeq, before: seq + 1, limit: MOST_REPORTED_ROWS, maxBytes: MOST_REPORTED_BYTES };
    const rows = await this.log.read(log, range);
    const totals = await this.totalsAt(log, seq);
    const before = (await this.log.raiseAcked([{ log, acked: seq, ackedTotals: totals }]))[0] ?? 0;
    this.raised(log, Math.max(before, seq));
    this.tell(
      nodeId,
      before,
      rows.filter((row) => row.report),
    );
    return Math.max(before, seq);
  }

  /** Called with rows of `report` messages on their first acknowledgement. */
  onReports(listener: (reports: readonly DeliveryReport[]) => void): void {
    this.reportListener = listener;
  }

  /** A page of an inbox: bounds exclusive, ascending, at most `maxBytes`. */
  async page(nodeId: string, query: InboxQuery, maxBytes: number): Promise<InboxPage> {
    const state = await this.state(nodeId);
    const [after, before] = await this.bounds(inboxLogOf(nodeId), query, state);
    const limit = query.limit ?? DEFAULT_PAGE_ROWS;
    const fromEnd =
      (query.beforeSeq ?? query.beforeTime) !== undefined && (query.afterSeq ?? query.afterTime) === undefined;
    const rows = await this.log.read(inboxLogOf(nodeId), { after, before, limit, maxBytes, fromEnd });
    const [first, last] = [rows[0]?.n ?? before, rows.at(-1)?.n ?? after];
    const { epoch, floorSeq, tailSeq, ackedSeq } = state;
    const complete = after + 1 >= before || (fromEnd ? first <= after + 1 : last >= before - 1);
    return { frames: rows.map((row) => this.frameOf(row)), epoch, floorSeq, tailSeq, ackedSeq, complete };
  }

  /** Drafts that wait to be appended, logs held, readers' logs, acknowledgements that wait. */
  get depths(): { appends: number; logs: number; readLogs: number; acks: number } {
    const { appends, readers, acks } = this;
    return { appends: appends.waiting, logs: appends.size, readLogs: readers.size, acks: acks.size };
  }

  private raised(log: string, acked: number): void {
    for (const reader of this.readers.of(log)) reader.raiseAcked(acked);
  }

  private async bounds(log: string, query: InboxQuery, state: InboxState): Promise<[number, number]> {
    let after = Math.max(query.afterSeq ?? 0, state.floorSeq - 1);
    let before = Math.min(query.beforeSeq ?? Infinity, state.tailSeq + 1);
    if (query.afterTime !== undefined) {
      after = Math.max(after, ((await this.log.firstAfter(log, query.afterTime)) ?? Infinity) - 1);
    }
    if (query.beforeTime !== undefined) {
      before = Math.min(before, (await this.log.firstAfter(log, query.beforeTime - 1)) ?? Infinity);
    }
    return [Math.min(after, state.tailSeq), before];
  }

  private frameOf(row: LogRow): string {
    const gone = row.body === '' || row.at < this.clock.now() - this.settings.ageMs;
    return gone ? goneFrame(row.n, 'expired') : durableFrame(row.n, row.at, row.body);
  }

  private tell(
    nodeId: string,
    before: number,
    rows: ReadonlyArray<{ readonly n: number; readonly key: string }>,
  ): void {
    const first = rows.filter(({ n }) => n > before).map(({ key }) => ({ nodeId, key }));
    if (first.length > 0) this.reportListener(first);
  }

  /** Totals up to `seq`; where that row is gone, those before the first that is left. */
  private async totalsAt(log: string, seq: number): Promise<Totals> {
    const [row] = await this.log.read(log, { after: seq - 1, before: Number.MAX_SAFE_INTEGER, limit: 1, maxBytes: 1 });
    if (!row || row.n === seq) return row?.totals ?? NO_MARKS.ackedTotals;
    return { count: row.totals.count - 1, bytes: row.totals.bytes - Buffer.byteLength(row.body) };
  }

  private throwUnlessUnavailable(error: unknown): void {
    if (!(error instanceof StoreUnavailable)) throw error;
  }
}
