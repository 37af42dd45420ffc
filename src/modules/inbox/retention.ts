import type { Clock, Timer } from '../../common/clock.js';
import { repeat } from '../../common/repeat.js';
import { type InboxLog, isCreationLog, isInboxLog, type LogRow, type Marks, passOverUnavailable } from './inbox-log.js';
import type { InboxSettings } from './inbox.settings.js';

const ROUND_MS = 600_000;
const LOGS_A_STEP = 100;
/** Between two steps, so that a round over many logs never holds up the messages. */
const PAUSE_MS = 10;
const MOST_ROWS = 1_000;
const MOST_BYTES = 4 * 1024 * 1024;
const DAY_MS = 24 * 3_600_000;
const HOUR_MS = 3_600_000;

type RetentionSettings = Pick<InboxSettings, 'ageMs' | 'ackedKeepMs' | 'ackedKeepMessages' | 'dedupeMs'>;

/**
 * Own garbage collection: raises the floor, then drops payloads below it, and leaves the rows as tombstones for as long
 * as a repeat of their message must be known as one. The newest row of a log stays for ever: the tail is read from it.
 */
export class Retention {
  constructor(
    private readonly log: InboxLog,
    private readonly settings: RetentionSettings,
    private readonly clock: Clock,
    /** Whether a log falls to this server node. */
    private readonly isMine: (log: string) => boolean = () => true,
  ) {}

  /** Collects until the answered timer is cancelled. A store that is away ends a round; the next begins anew. */
  start(): Timer {
    return repeat(
      this.clock,
      () => ROUND_MS,
      () => this.round().catch(passOverUnavailable),
    );
  }

  /** Once over all logs; collects those that fall to it. */
  async round(): Promise<void> {
    let logs: string[] = [];
    do {
      logs = await this.log.logs(logs.at(-1) ?? '', LOGS_A_STEP);
      for (const log of logs) if (this.isMine(log)) await this.collect(log);
      if (logs.length > 0) await this.clock.pause(PAUSE_MS);
    } while (logs.length > 0);
  }

  async collect(log: string): Promise<void> {
    const [marks] = await this.log.marks([log]);
    if (!marks) return;
    const floor = await this.raiseFloor(log, marks);
    while (await this.log.dropBodies(log, floor));
    const tombstonesUntil = this.clock.now() - this.settings.dedupeMs - HOUR_MS;
    while (await this.log.removeRows(log, floor, tombstonesUntil));
  }

  /** Over the rows that nobody may read any more: from the floor on, as long as each is one of them. */
  private async raiseFloor(log: string, marks: Marks): Promise<number> {
    let floor = marks.floor;
    // Most of the time the first row is to be kept: look at one before reading many.
    for (let limit = 1; ; limit = MOST_ROWS) {
      const range = { after: floor - 1, before: Number.MAX_SAFE_INTEGER, limit, maxBytes: MOST_BYTES };
      const rows = await this.log.read(log, range);
      const keep = rows.findIndex((row) => !this.isOver(log, row, marks.acked));
      const last = keep < 0 ? rows.at(-1) : rows[keep - 1];
      if (!last) return floor;
      floor = last.n + 1;
      await this.log.raiseFloor(log, floor, last.totals);
      if (keep >= 0) return floor;
    }
  }

  /** An expired row is shown as gone for one more day, so that readers see why its number is missing. */
  private isOver(log: string, row: LogRow, acked: number): boolean {
    const age = this.clock.now() - row.at;
    if (isCreationLog(log)) return age > this.settings.dedupeMs + HOUR_MS;
    // An entry of a group: rows of inboxes refer to it for as long as they may be read, and who loads the group reads it
    // until it was driven.
    if (!isInboxLog(log)) return row.n <= acked && age > this.settings.ageMs + 2 * DAY_MS;
    if (age > this.settings.ageMs + DAY_MS) return true;
    if (row.n > acked) return false;
    return age > this.settings.ackedKeepMs || row.n <= acked - this.settings.ackedKeepMessages;
  }
}
