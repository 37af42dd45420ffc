import type { Clock } from '../../common/clock.js';
import { type InboxLog, StoreUnavailable, type Totals } from './inbox-log.js';

interface Waiting {
  acked: number;
  ackedTotals: Totals;
  readonly done: Array<(before: number) => void>;
}

const RETRY_MS = 500;

/** Gathers acknowledgements while a write of them runs: the highest of each log goes out, everybody is told. */
export class AckQueue {
  private waiting = new Map<string, Waiting>();
  private running = false;

  constructor(
    private readonly log: InboxLog,
    private readonly clock: Clock,
    private readonly raised: (log: string, acked: number) => void,
  ) {}

  /**
   * `done` is called when it is durable, with the number that stood before. What the store did not take is tried again
   * for as long as it takes: a closed window would wait for it for ever.
   */
  add(log: string, acked: number, ackedTotals: Totals, done: (before: number) => void): void {
    this.merge(log, { acked, ackedTotals, done: [done] });
    if (this.running) return;
    this.running = true;
    setImmediate(() => void this.run());
  }

  get size(): number {
    return this.waiting.size;
  }

  private merge(log: string, more: Waiting): void {
    const present = this.waiting.get(log);
    if (!present) return void this.waiting.set(log, more);
    if (more.acked > present.acked) Object.assign(present, { acked: more.acked, ackedTotals: more.ackedTotals });
    present.done.push(...more.done);
  }

  private async run(): Promise<void> {
    while (this.waiting.size > 0) {
      const batch = this.waiting;
      this.waiting = new Map();
      try {
        await this.write(batch);
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        for (const [log, waiting] of batch) this.merge(log, waiting);
        await new Promise<void>((resolve) => void this.clock.after(RETRY_MS, resolve));
      }
    }
    this.running = false;
  }

  private async write(batch: ReadonlyMap<string, Waiting>): Promise<void> {
    const acks = [...batch].map(([log, { acked, ackedTotals }]) => ({ log, acked, ackedTotals }));
    const before = await this.log.raiseAcked(acks);
    acks.forEach(({ log, acked }, index) => {
      const was = before[index] ?? 0;
      this.raised(log, Math.max(was, acked));
      for (const done of batch.get(log)?.done ?? []) done(was);
    });
  }
}
