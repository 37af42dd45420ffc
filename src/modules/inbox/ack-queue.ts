import type { Clock } from '../../common/clock.js';
import { type InboxLog, passOverUnavailable } from './inbox-log.js';
import type { Ack } from './inbox.types.js';

const RETRY_MS = 500;

/** Gathers acknowledgements while a write of them runs: the highest of each log goes out, with the reports of all. */
export class AckQueue {
  private waiting = new Map<string, Ack>();
  private running = false;

  /** `raised` is told when it is durable; `keys` are those of the reported rows that nobody acknowledged before. */
  constructor(
    private readonly log: InboxLog,
    private readonly clock: Clock,
    private readonly raised: (log: string, acked: number, keys: readonly string[]) => void,
  ) {}

  /** What the store did not take is tried again for as long as it takes: a closed window would wait for it for ever. */
  add(log: string, ack: Ack): void {
    this.merge(log, ack);
    if (this.running) return;
    this.running = true;
    setImmediate(() => void this.run());
  }

  /** Writes them at once; answers how far each log is acknowledged then. */
  async write(batch: ReadonlyMap<string, Ack>): Promise<number[]> {
    const acks = [...batch].map(([log, { acked, ackedTotals }]) => ({ log, acked, ackedTotals }));
    const before = await this.log.raiseAcked(acks);
    return [...batch].map(([log, { acked, reports }], index) => {
      const was = before[index] ?? 0;
      const first = [...reports].filter(([n]) => n > was).map(([, key]) => key);
      const now = Math.max(was, acked);
      this.raised(log, now, first);
      return now;
    });
  }

  get size(): number {
    return this.waiting.size;
  }

  private merge(log: string, more: Ack): void {
    const present = this.waiting.get(log);
    if (!present) return void this.waiting.set(log, more);
    const higher = more.acked > present.acked ? more : present;
    const reports = new Map([...present.reports, ...more.reports]);
    this.waiting.set(log, { ...higher, reports });
  }

  private async run(): Promise<void> {
    while (this.waiting.size > 0) {
      const batch = this.waiting;
      this.waiting = new Map();
      try {
        await this.write(batch);
      } catch (error) {
        passOverUnavailable(error);
        for (const [log, ack] of batch) this.merge(log, ack);
        await this.clock.pause(RETRY_MS);
      }
    }
    this.running = false;
  }
}
