import type { Clock, Timer } from '../../common/clock.js';
import { type InboxLog, type LogRow, StoreUnavailable } from './inbox-log.js';
import type { InboxReader } from './inbox-reader.js';

/** Each poll asks for a tenth of the logs, so that the questions spread over the interval. */
const SLICES = 10;

interface ReadLog {
  readonly readers: Set<InboxReader>;
  readonly slice: number;
}

/**
 * The readers of this process by log. Tells them of new rows, and polls the store for rows that nobody told of: those
 * of other processes, and those whose hint was lost. The poll is what makes a lost hint cost time and not a message.
 */
export class ReaderRegistry {
  private readonly logs = new Map<string, ReadLog>();
  private added = 0;
  private turn = 0;
  private timer: Timer | undefined;

  constructor(
    private readonly store: InboxLog,
    private readonly clock: Clock,
    private readonly settings: { readonly pollMs: number; readonly pollJitterMs: number },
  ) {}

  add(reader: InboxReader): void {
    const present = this.logs.get(reader.log);
    if (present) present.readers.add(reader);
    else this.logs.set(reader.log, { readers: new Set([reader]), slice: (this.added += 1) % SLICES });
  }

  remove(reader: InboxReader): void {
    const present = this.logs.get(reader.log);
    present?.readers.delete(reader);
    if (present?.readers.size === 0) this.logs.delete(reader.log);
  }

  offer(rows: readonly LogRow[]): void {
    for (const row of rows) for (const reader of this.of(row.log)) reader.offer(row);
  }

  of(log: string): Iterable<InboxReader> {
    return this.logs.get(log)?.readers ?? [];
  }

  get size(): number {
    return this.logs.size;
  }

  startPolling(): void {
    const { pollMs, pollJitterMs } = this.settings;
    const wait = (pollMs + (Math.random() * 2 - 1) * pollJitterMs) / SLICES;
    this.timer = this.clock.after(wait, () => void this.poll().finally(() => this.timer && this.startPolling()));
  }

  stopPolling(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  /** One slice: for each of its logs a point read of the row behind the highest that any reader knows. */
  private async poll(): Promise<void> {
    this.turn = (this.turn + 1) % SLICES;
    const points: Array<{ log: string; n: number }> = [];
    for (const [log, { readers, slice }] of this.logs) {
      if (slice !== this.turn) continue;
      let highest = 0;
      for (const reader of readers) {
        highest = Math.max(highest, reader.highest);
        reader.pump();
      }
      points.push({ log, n: highest + 1 });
    }
    if (points.length === 0) return;
    try {
      this.offer(await this.store.at(points));
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }
}
