import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy, Optional } from '@nestjs/common';
import { StoreClock, type Timer } from '../../common/clock.js';
import { FewAtOnce } from '../../common/few-at-once.js';
import { Metrics } from '../../common/metrics.js';
import { StallGuard } from '../../common/stall-guard.js';
import { type InboxPage, type InboxQuery, Refusal } from '../../protocol/index.js';
import { NodesService, ServerNodesView } from '../nodes/index.js';
import { AckQueue } from './ack-queue.js';
import { AppendLoop } from './append-loop.js';
import { InboxLog, inboxLogOf, NO_MARKS, nodeOfInboxLog, passOverUnavailable } from './inbox-log.js';
import { InboxReader } from './inbox-reader.js';
import { doneIn, InboxRules } from './inbox-rules.js';
import { InboxHooks } from './inbox.hooks.js';
import { InboxSettings } from './inbox.settings.js';
import type {
  Acknowledged,
  AppendOutcome,
  DeliveryReport,
  InboxDraft,
  InboxState,
  ReadableRow,
  ReaderSink,
} from './inbox.types.js';
import { ReaderRegistry } from './reader-registry.js';
import { frameOf, readResolved, saysGap } from './resolved-rows.js';
import { Retention } from './retention.js';

const ALONE = { others: false, cares: () => true };
const SWEEP_MS = 30_000;
const ACK_RETRY_MS = 500;
/**
 * So many pages are read for readers at once. A thousand of them that come back together, or hear of a message to all,
 * would else hold up everybody whose message is at hand, and hold a page each.
 */
const PAGES_AT_ONCE = 6;
const DEFAULT_PAGE_ROWS = 200;
/** Reports are best effort: an acknowledgement by call looks through so many rows for them. */
const MOST_REPORTED_ROWS = 1_000;
const MOST_REPORTED_BYTES = 4 * 1024 * 1024;

/** The durable messages of each node: append, read, acknowledge, retain. */
@Injectable()
export class InboxService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly readers: ReaderRegistry;
  private readonly appends: AppendLoop<InboxDraft>;
  private readonly acks: AckQueue;
  private readonly retention: Retention;
  private readonly pages = new FewAtOnce(PAGES_AT_ONCE);
  private timers: Timer[] = [];
  private reportListener: (reports: readonly DeliveryReport[]) => void = () => {};
  private appendListener: (rows: readonly ReadableRow[]) => void = () => {};

  constructor(
    private readonly log: InboxLog,
    private readonly settings: InboxSettings,
    private readonly clock: StoreClock,
    guard: StallGuard,
    nodes: NodesService,
    private readonly hooks: InboxHooks,
    @Inject(ServerNodesView) private readonly view: Pick<ServerNodesView, 'others' | 'cares'> = ALONE,
    @Optional() private readonly metrics?: Metrics,
  ) {
    this.readers = new ReaderRegistry(log, clock, settings);
    const rules = new InboxRules(log, nodes, settings, (rows) => this.appended(rows));
    this.appends = new AppendLoop(log, rules, clock, guard, settings, () => this.othersWrite);
    this.acks = new AckQueue(log, clock, (of, acked, keys) => this.raised(of, acked, keys));
    this.retention = new Retention(log, settings, clock, (of) => view.cares(of));
  }

  /** Whether other processes may write to the same logs. */
  get othersWrite(): boolean {
    return this.view.others;
  }

  onApplicationBootstrap(): void {
    const sweeping = this.clock.every(SWEEP_MS, () => this.appends.sweep());
    this.timers = [this.readers.poll(), this.retention.start(), sweeping];
  }

  onModuleDestroy(): void {
    for (const timer of this.timers) timer.cancel();
  }

  /** Queues a message for a node, or an entry of a group that it is a member of; `settle` is called when it is durable, known as a repeat, or refused. */
  append(nodeId: string, draft: InboxDraft, settle: (outcome: AppendOutcome) => void): void {
    this.appends.append(inboxLogOf(nodeId), draft, settle);
  }

  /** Makes a reader that is told of new rows from now on; it writes nothing before its `start`. */
  reader(nodeId: string, sink: ReaderSink): InboxReader {
    const now = (): number => this.clock.now();
    const delivered = (frame: string): void => this.hooks.delivered(nodeId, frame);
    const reader = new InboxReader(inboxLogOf(nodeId), this.log, sink, this.settings, now, delivered, this.pages);
    this.readers.add(reader);
    return reader;
  }

  /**
   * Looks at the tails of all inboxes that are read here: nobody may have told of what came lately. Without the store the
   * poll finds it later.
   */
  lookAtTails(): Promise<void> {
    return this.readers.lookAtAll().catch(passOverUnavailable);
  }

  removeReader(reader: InboxReader): void {
    reader.stop();
    this.readers.remove(reader);
  }

  async state(nodeId: string): Promise<InboxState> {
    const { log } = this;
    const asked = [inboxLogOf(nodeId)];
    const [epoch, [head], [marks = NO_MARKS]] = await Promise.all([log.epoch(), log.newest(asked), log.marks(asked)]);
    const tailSeq = head?.n ?? 0;
    const pending = tailSeq - doneIn(marks);
    return { epoch, floorSeq: marks.floor, tailSeq, ackedSeq: marks.acked, pending, marks };
  }

  /** A connection acknowledged; what its senders wanted to hear is told once it is durable. */
  acknowledge(nodeId: string, covered: Acknowledged): void {
    const { seq, totals, reports } = covered;
    if (totals) return this.acks.add(inboxLogOf(nodeId), { acked: seq, ackedTotals: totals, reports });
    const again = (): void => this.acknowledge(nodeId, covered);
    void this.state(nodeId)
      .then((state) => this.raise(nodeId, seq, state))
      .catch((error: unknown) => {
        passOverUnavailable(error);
        this.clock.after(ACK_RETRY_MS, again);
      });
  }

  /** As `acknowledge`, for a call that waits for the outcome: the acknowledged number after it. */
  async acknowledgeNow(nodeId: string, seq: number, epoch?: string): Promise<number> {
    const state = await this.state(nodeId);
    if (epoch !== undefined && epoch !== state.epoch) throw new Refusal('epoch_changed', { field: 'epoch' });
    const reason = `the tail is ${state.tailSeq}`;
    if (seq > state.tailSeq) throw new Refusal('invalid_field', { field: 'seq', reason });
    return this.raise(nodeId, seq, state);
  }

  /** Called with rows of `report` messages on their first acknowledgement. */
  onReports(listener: (reports: readonly DeliveryReport[]) => void): void {
    this.reportListener = listener;
  }

  /** Called with rows that this process made durable; those of one inbox in their order. */
  onAppended(listener: (rows: readonly ReadableRow[]) => void): void {
    this.appendListener = listener;
  }

  /** Rows that another process made durable, for the readers here. Answers those that nobody reads here. */
  offer(rows: readonly ReadableRow[]): ReadableRow[] {
    return this.readers.offer(rows);
  }

  /** There are rows in the inbox of a node up to `seq`: its readers here get them from the store. */
  notice(nodeId: string, seq: number): void {
    this.readers.notice(inboxLogOf(nodeId), seq);
  }

  /** A page of an inbox: bounds exclusive, ascending, at most `maxBytes`. */
  async page(nodeId: string, query: InboxQuery, maxBytes: number): Promise<InboxPage> {
    const state = await this.state(nodeId);
    const [after, before] = await this.bounds(inboxLogOf(nodeId), query, state);
    const limit = query.limit ?? DEFAULT_PAGE_ROWS;
    const [lower, upper] = [query.afterSeq ?? query.afterTime, query.beforeSeq ?? query.beforeTime];
    const fromEnd = lower === undefined && upper !== undefined;
    const rows = await readResolved(this.log, inboxLogOf(nodeId), { after, before, limit, maxBytes, fromEnd });
    const [first, last] = [rows[0]?.n ?? before, rows.at(-1)?.n ?? after];
    const frames = rows.map((row) => frameOf(row, this.clock.now(), this.settings.ageMs));
    const { epoch, floorSeq, tailSeq, ackedSeq } = state;
    const complete = after + 1 >= before || (fromEnd ? first <= after + 1 : last >= before - 1);
    return { frames, epoch, floorSeq, tailSeq, ackedSeq, complete };
  }

  /** Drafts that wait to be appended, logs held, readers' logs, acknowledgements that wait. */
  get depths(): { appends: number; logs: number; readLogs: number; acks: number } {
    const { appends, readers, acks } = this;
    return { appends: appends.waiting, logs: appends.size, readLogs: readers.size, acks: acks.size };
  }

  private appended(rows: readonly ReadableRow[]): void {
    for (const { body } of rows) if (saysGap(body)) this.metrics?.hit('seat_messages');
    this.readers.offer(rows);
    this.appendListener(rows);
  }

  /** Raises the acknowledged number by what the store says of the rows between. */
  private async raise(nodeId: string, seq: number, { ackedSeq, marks }: InboxState): Promise<number> {
    if (seq <= ackedSeq) return ackedSeq;
    const log = inboxLogOf(nodeId);
    const range = { after: ackedSeq, before: seq + 1, limit: MOST_REPORTED_ROWS, maxBytes: MOST_REPORTED_BYTES };
    const rows = await this.log.read(log, { ...range, fromEnd: true });
    const reported = rows.filter(({ report }) => report);
    const reports = new Map(reported.map(({ n, key }) => [n, key]));
    // A row that is gone was below the floor, where the totals of the floor count.
    const ackedTotals = rows.at(-1)?.totals ?? marks.floorTotals;
    const [acked = seq] = await this.acks.write(new Map([[log, { acked: seq, ackedTotals, reports }]]));
    return acked;
  }

  private raised(log: string, acked: number, keys: readonly string[]): void {
    for (const reader of this.readers.of(log)) reader.raiseAcked(acked);
    const nodeId = nodeOfInboxLog(log);
    if (keys.length > 0) this.reportListener(keys.map((key) => ({ nodeId, key })));
  }

  private async bounds(log: string, query: InboxQuery, { floorSeq, tailSeq }: InboxState): Promise<[number, number]> {
    const { afterSeq = 0, beforeSeq = Infinity, afterTime, beforeTime } = query;
    const firstLater = async (time: number): Promise<number> => (await this.log.firstAfter(log, time)) ?? Infinity;
    const afterByTime = afterTime === undefined ? 0 : (await firstLater(afterTime)) - 1;
    const beforeByTime = beforeTime === undefined ? Infinity : await firstLater(beforeTime - 1);
    const after = Math.min(Math.max(afterSeq, floorSeq - 1, afterByTime), tailSeq);
    return [after, Math.min(beforeSeq, tailSeq + 1, beforeByTime)];
  }
}
