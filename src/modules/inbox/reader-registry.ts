import type { Clock, Timer } from '../../common/clock.js';
import { repeat } from '../../common/repeat.js';
import { type InboxLog, passOverUnavailable } from './inbox-log.js';
import type { InboxReader } from './inbox-reader.js';
import type { InboxSettings } from './inbox.settings.js';
import type { ReadableRow } from './inbox.types.js';

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

  constructor(
    private readonly store: InboxLog,
    private readonly clock: Clock,
    private readonly settings: Pick<InboxSettings, 'pollMs' | 'pollJitterMs'>,
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

  /** Answers those that nobody reads here. */
  offer(rows: readonly ReadableRow[]): ReadableRow[] {
    return rows.filter((row) => {
      const readers = this.logs.get(row.log)?.readers;
      for (const reader of readers ?? []) reader.offer(row);
      return readers === undefined;
    });
  }

  /** There are rows of a log up to n. */
  notice(log: string, n: number): void {
    for (const reader of this.of(log)) reader.notice(n);
  }

  of(log: string): Iterable<InboxReader> {
    return this.logs.get(log)?.readers ?? [];
  }

  get size(): number {
    return this.logs.size;
  }

  /** Polls until the answered timer is cancelled. */
  poll(): Timer {
    const { pollMs, pollJitterMs } = this.settings;
    const wait = (): number => (pollMs + (Math.random() * 2 - 1) * pollJitterMs) / SLICES;
    return repeat(this.clock, wait, () => this.pollSlice().catch(passOverUnavailable));
  }

  /** Looks for rows behind all readers at once, in as many questions as the polls of one interval. */
  async lookAtAll(): Promise<void> {
    for (let slice = 0; slice < SLICES; slice += 1) await this.pollSlice();
  }

  /** For each log of the slice a point read of the row behind the highest that any reader knows. */
  private async pollSlice(): Promise<void> {
    this.turn = (this.turn + 1) % SLICES;
    const points: Array<{ log: string; n: number }> = [];
    const full: string[] = [];
    for (const [log, { readers, slice }] of this.logs) {
      if (slice !== this.turn) continue;
      const highest = Math.max(...[...readers].map((reader) => reader.highest));
      points.push({ log, n: highest + 1 });
      // What one of them was told of, or began behind, exists for all of them.
      for (const reader of readers) reader.notice(highest);
      if ([...readers].some(({ isFull }) => isFull)) full.push(log);
    }
    if (full.length > 0) await this.learnAcked(full);
    const found = points.length > 0 ? await this.store.at(points) : [];
    if (found.length === 0) return;
    // Where there was one, there may be many: without their tail each would wait for a poll of its own.
    const heads = await this.store.newest(found.map(({ log }) => log));
    for (const head of heads) if (head) for (const reader of this.of(head.log)) reader.notice(head.n);
  }

  /** A reader in another process may have acknowledged: nobody tells of it, and a full window waits for just that. */
  private async learnAcked(logs: readonly string[]): Promise<void> {
    const marks = await this.store.marks(logs);
    logs.forEach((log, index) => {
      for (const reader of this.of(log)) reader.raiseAcked(marks[index]?.acked ?? 0);
    });
  }
}
