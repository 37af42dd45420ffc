import Denque from 'denque';
import { CLOSE, durableFrame, goneFrame, Refusal } from '../../protocol/index.js';
import type { Acknowledged, ReaderSettings, ReaderSink } from './inbox.types.js';
import { type InboxLog, type LogRow, type Marks, StoreUnavailable, type Totals } from './inbox-log.js';

/** A message that was delivered and not yet acknowledged. */
interface Flight {
  readonly n: number;
  readonly bytes: number;
  readonly totals: Totals;
  readonly report?: { readonly key: string };
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
  private ackLimit = 0;
  private started = false;
  private reading = false;
  private closed = false;
  private flightBytes = 0;
  private readonly flights = new Denque<Flight>();

  constructor(
    readonly log: string,
    private readonly store: InboxLog,
    private readonly sink: ReaderSink,
    private readonly settings: ReaderSettings,
    private readonly now: () => number,
  ) {}

  /**
   * Begins behind `after`. Rows up to `marks.acked` do not count in the window. `resumedAt`: the client had everything up
   * to there and may acknowledge it.
   */
  start(after: number, tailSeq: number, marks: Marks, resumedAt = 0): void {
    this.sent = after;
    this.seen = Math.max(this.seen, tailSeq);
    this.acked = Math.max(this.acked, marks.acked);
    this.ackLimit = resumedAt;
    this.started = true;
    this.pump();
  }

  /** Highest n that this reader knows of: the poll asks for the next. */
  get highest(): number {
    return Math.max(this.seen, this.sent);
  }

  /** A row became durable. Written at once if it is the next, read from the store later if it is beyond, else dropped. */
  offer(row: LogRow): void {
    if (row.n > this.seen) this.seen = row.n;
    if (this.reading || !this.roomy || row.n !== this.sent + 1) this.pump();
    else this.write(row);
  }

  /** Goes on reading when there is more and there is room. */
  pump(): void {
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
    }
    this.pump();
  }

  /** What an acknowledgement of this connection covers; throws a refusal when it was not sent so far. */
  covered(seq: number): Acknowledged {
    const limit = Math.max(this.sent, this.ackLimit);
    if (seq > limit) throw new Refusal('invalid_field', { field: 'seq', reason: `at most ${limit} was sent here` });
    const reports: Array<{ n: number; key: string }> = [];
    let totals: Totals | undefined;
    for (let index = 0; index < this.flights.length; index += 1) {
      const flight = this.flights.peekAt(index) as Flight;
      if (flight.n > seq) break;
      if (flight.n === seq) totals = flight.totals;
      if (flight.report) reports.push({ n: flight.n, key: flight.report.key });
    }
    return { seq, reports, ...(totals && { totals }) };
  }

  stop(): void {
    this.closed = true;
    this.flights.clear();
  }

  private get roomy(): boolean {
    const { windowMessages, windowBytes } = this.settings;
    const open = this.flights.length < windowMessages && this.flightBytes < windowBytes;
    return this.started && !this.closed && open && this.sink.writable;
  }

  private async catchUp(): Promise<void> {
    try {
      while (this.roomy && this.seen > this.sent) if (!(await this.readNext())) break;
    } catch (error) {
      // The store is away: the poll or the next row tries again.
      if (!(error instanceof StoreUnavailable)) throw error;
    } finally {
      this.reading = false;
    }
  }

  private async readNext(): Promise<boolean> {
    const { windowMessages, windowBytes } = this.settings;
    const rows = await this.store.read(this.log, {
      after: this.sent,
      before: Number.MAX_SAFE_INTEGER,
      limit: windowMessages - this.flights.length,
      maxBytes: windowBytes - this.flightBytes,
    });
    for (const row of rows) {
      if (this.closed) return false;
      if (row.n !== this.sent + 1 || row.body === '') return this.meetHole();
      this.write(row);
    }
    return rows.length > 0 || this.meetHole();
  }

  /** The next row cannot be read. If the floor passed it, the client has to know; else the store is behind: later. */
  private async meetHole(): Promise<false> {
    const [marks] = await this.store.marks([this.log]);
    if (marks && marks.floor > this.sent + 1) this.sink.close(CLOSE.behindFloor);
    return false;
  }

  private write(row: LogRow): void {
    this.sent = row.n;
    const expired = row.at < this.now() - this.settings.ageMs;
    const frame = expired ? goneFrame(row.n, 'expired') : durableFrame(row.n, row.at, row.body);
    if (row.n > this.acked) this.fly(row, Buffer.byteLength(frame));
    this.sink.send(frame);
  }

  private fly(row: LogRow, bytes: number): void {
    this.flightBytes += bytes;
    this.flights.push({ n: row.n, bytes, totals: row.totals, ...(row.report && { report: { key: row.key } }) });
  }
}
