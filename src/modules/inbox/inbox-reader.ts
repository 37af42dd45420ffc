import Denque from 'denque';
import { FewAtOnce } from '../../common/few-at-once.js';
import { CLOSE, Refusal } from '../../protocol/index.js';
import { isRef } from './entry-ref.js';
import type { InboxSettings } from './inbox.settings.js';
import type { Acknowledged, ReadableRow, ReaderSink } from './inbox.types.js';
import { type InboxLog, type Marks, passOverUnavailable, type Totals } from './inbox-log.js';
import { frameOf, readResolved } from './resolved-rows.js';

/** A message that was delivered and not yet acknowledged. */
interface Flight {
  readonly n: number;
  readonly bytes: number;
  readonly totals: Totals;
  /** Of a row whose sender wants to hear of it. */
  readonly reportKey?: string;
}

/**
 * One reader of an inbox: a connection's place in the log. It writes rows in their order and without a hole, as many as
 * the window and the sink allow; what it was not told of, or has no room for, waits in the store.
 */
export class InboxReader {
  /** Last n that was written to the sink. */
  private sent = 0;
  /** Highest n that is known to exist. */
  private seen = 0;
  private acked = 0;
  private started = false;
  private reading = false;
  /** Room or rows came while it read: it may have looked for them already. */
  private missed = false;
  private closed = false;
  private flightBytes = 0;
  /** The next row does not fit into what is left of the window. */
  private tight = false;
  /** The window holds something back, and the sink was told. */
  private held = false;
  private readonly flights = new Denque<Flight>();

  constructor(
    readonly log: string,
    private readonly store: InboxLog,
    private readonly sink: ReaderSink,
    private readonly settings: Pick<InboxSettings, 'windowMessages' | 'windowBytes' | 'ageMs'>,
    private readonly now: () => number,
    private readonly delivered: (frame: string) => void = () => {},
    private readonly pages = new FewAtOnce(1),
  ) {}

  /** Begins behind `after`: the client has everything up to there. Rows up to `marks.acked` do not count in the window. */
  start(after: number, tailSeq: number, marks: Marks): void {
    this.sent = after;
    this.acked = Math.max(this.acked, marks.acked);
    this.started = true;
    this.notice(tailSeq);
  }

  /** Highest n that this reader knows of: the poll asks for the next. */
  get highest(): number {
    return Math.max(this.seen, this.sent);
  }

  /** Whether it writes nothing before something is acknowledged. */
  get isFull(): boolean {
    const { windowMessages, windowBytes } = this.settings;
    return this.tight || this.flights.length >= windowMessages || this.flightBytes >= windowBytes;
  }

  /** A row became durable. Written at once if it is the next, read from the store later if it is beyond, else dropped. */
  offer(row: ReadableRow): void {
    const isNext = row.n === this.sent + 1 && !isRef(row.body);
    if (this.reading || !this.roomy || !isNext || !this.write(row)) this.notice(row.n);
  }

  /** There are rows up to n. */
  notice(n: number): void {
    this.seen = Math.max(this.seen, n);
    this.pump();
  }

  /** Goes on reading when there is more and there is room. */
  pump(): void {
    this.missed = this.reading;
    this.noticeWindow();
    if (this.reading || !this.roomy || this.seen <= this.sent) return;
    this.reading = true;
    void this.catchUp();
  }

  /** The node's acknowledged number rose, by whichever connection. */
  raiseAcked(acked: number): void {
    if (acked <= this.acked) return;
    this.acked = acked;
    for (let first = this.flights.peekFront(); first && first.n <= acked; first = this.flights.peekFront()) {
      this.flights.shift();
      this.flightBytes -= first.bytes;
      this.tight = false;
    }
    this.pump();
  }

  /** What an acknowledgement of this connection covers, if anything new; throws a refusal when it was not sent so far. */
  covered(seq: number): Acknowledged | undefined {
    const reason = `at most ${this.sent} was sent here`;
    if (seq > this.sent) throw new Refusal('invalid_field', { field: 'seq', reason });
    if (seq <= this.acked) return undefined;
    const flights = this.flights.toArray().filter(({ n }) => n <= seq);
    const reports = new Map<number, string>();
    for (const { n, reportKey } of flights) if (reportKey !== undefined) reports.set(n, reportKey);
    const last = flights.at(-1);
    if (last?.n !== seq || flights[0]?.n !== this.acked + 1) return { seq, reports };
    return { seq, reports, totals: last.totals };
  }

  stop(): void {
    this.closed = true;
    this.flights.clear();
  }

  private get roomy(): boolean {
    return this.started && !this.closed && !this.isFull && this.sink.room > 0;
  }

  private noticeWindow(): void {
    const wasHeld = this.held;
    this.held = this.seen > this.sent && (wasHeld || this.isFull);
    const isCount = this.flights.length >= this.settings.windowMessages;
    if (this.held && !wasHeld) this.sink.limited(isCount ? 'window_messages' : 'window_bytes');
  }

  private async catchUp(): Promise<void> {
    try {
      while (this.roomy && this.seen > this.sent) if (!(await this.readNext())) break;
    } catch (error) {
      // The poll or the next row tries again.
      passOverUnavailable(error);
    } finally {
      this.reading = false;
      this.noticeWindow();
      if (this.missed) this.pump();
    }
  }

  private async readNext(): Promise<boolean> {
    const { windowMessages, windowBytes } = this.settings;
    const range = {
      after: this.sent,
      before: Number.MAX_SAFE_INTEGER,
      limit: windowMessages - this.flights.length,
      maxBytes: Math.min(windowBytes - this.flightBytes, this.sink.room),
    };
    const rows = await this.pages.run(() => readResolved(this.store, this.log, range));
    for (const row of rows) {
      if (!this.roomy) return false;
      if (row.n !== this.sent + 1 || row.body === '') return this.meetHole();
      if (!this.write(row)) return false;
    }
    return rows.length > 0 || this.meetHole();
  }

  /** The next row cannot be read. If the floor passed it, the client has to know; else the store is behind: later. */
  private async meetHole(): Promise<false> {
    const [marks] = await this.store.marks([this.log]);
    if (marks && marks.floor > this.sent + 1) this.sink.close(CLOSE.behindFloor);
    return false;
  }

  /** False: the window has no room for it now. An empty window has room for any. */
  private write(row: ReadableRow): boolean {
    const frame = frameOf(row, this.now(), this.settings.ageMs);
    if (row.n > this.acked && !this.fly(row, Buffer.byteLength(frame))) return false;
    this.sent = row.n;
    this.sink.send(frame);
    this.delivered(frame);
    return true;
  }

  private fly(row: ReadableRow, bytes: number): boolean {
    this.tight = !this.flights.isEmpty() && this.flightBytes + bytes > this.settings.windowBytes;
    if (this.tight) return false;
    this.flightBytes += bytes;
    this.flights.push({ n: row.n, bytes, totals: row.totals, ...(row.report && { reportKey: row.key }) });
    return true;
  }
}
