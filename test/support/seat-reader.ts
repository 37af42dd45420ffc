import { inboxLogOf } from '../../src/modules/inbox/index.js';
import type { FakeInboxLog } from './fake-inbox-log.js';

/**
 * Reads an inbox as a client does: in order, acknowledging as it goes; a gap is acknowledged first, and then what the
 * session holds from there on is read.
 */
export class SeatReader {
  private readonly inbox: string;
  private readonly rows: number[] = [];
  private readonly seen = new Set<number>();
  private next = 1;

  constructor(
    readonly nodeId: string,
    private readonly session: string,
    private readonly store: FakeInboxLog,
    private readonly wrong: (what: string) => void,
  ) {
    this.inbox = inboxLogOf(nodeId);
  }

  /** At most so many rows. */
  readAndAcknowledge(most = Infinity): void {
    const waiting = this.store.rowsOf(this.inbox).filter(({ n }) => n >= this.next);
    const rows = waiting.slice(0, Math.min(most, waiting.length));
    const last = rows.at(-1);
    if (!last) return;
    this.next = last.n + 1;
    this.store.setMarks(this.inbox, { acked: last.n, ackedTotals: last.totals });
    for (const { body } of rows) this.take(body);
  }

  isDone(): boolean {
    return this.store.rowsOf(this.inbox).length < this.next;
  }

  /** It has all that it was entitled to, and nothing else was ever put into its inbox. */
  judge(entitled: readonly number[]): void {
    const missed = entitled.filter((n) => !this.seen.has(n));
    if (missed.length > 0) this.wrong(`${this.nodeId} missed ${missed.join()}`);
    const foreign = this.rows.filter((n) => !entitled.includes(n));
    if (foreign.length > 0) this.wrong(`${this.nodeId} got ${foreign.join()}, which are not for it`);
  }

  private take(body: string): void {
    const [, entry = '', , gap] = body.split(' ');
    const n = Number(entry);
    if (n <= (this.rows.at(-1) ?? 0)) this.wrong(`${this.nodeId} got ${n} behind ${this.rows.at(-1)}`);
    this.rows.push(n);
    this.seen.add(n);
    if (gap === undefined) return;
    for (const row of this.store.rowsOf(this.session)) if (row.n >= n) this.seen.add(row.n);
  }
}
