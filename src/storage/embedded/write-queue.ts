import type { Clock, Timer } from '../../common/clock.js';
import { StoreUnavailable } from '../../modules/inbox/index.js';
import { CommitPace } from './commit-pace.js';

interface Job {
  readonly rows: number;
  readonly since: number;
  readonly work: () => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
  settled: boolean;
  result: unknown;
}

/** What the queue writes to. */
export interface Transactor {
  /** Runs the callback inside one write transaction; resolves when that is on the disk. */
  transact(callback: () => void): Promise<void>;
  /** Called first in each transaction. */
  begin(): void;
  /** Called last in each transaction: what it wrote is not on the disk yet, and not to be seen. */
  end(): void;
  /** Called when the transaction is on the disk, before anybody is told. */
  committed(): void;
}

export interface WriteQueueSettings {
  readonly clock: Clock;
  readonly deadlineMs: number;
  readonly commitRows: number;
  /** Told how long each commit took, waiting for the lock included, seconds. */
  readonly onCommit: (seconds: number) => void;
}

/**
 * The one way to write: group commit. Exactly one transaction is outstanding, since two that are begun in one turn of
 * the event loop share a commit in lmdb; what arrives meanwhile goes into the next. Jobs are picked up inside the
 * transaction, so all that came while this process waited for the lock of another goes along, and what waited too
 * long is no longer there to be carried out.
 */
export class WriteQueue {
  private readonly waiting: Job[] = [];
  private background: Job[] = [];
  private running: Job[] = [];
  private outstanding: Promise<void> | undefined;
  /** When the outstanding transaction was begun. */
  private begunAt: number | undefined;
  private gathering: Timer | undefined;
  private waitingRows = 0;
  private watch: Timer | undefined;
  private failure: Error | undefined;
  private closing = false;
  private isHeld = false;
  private readonly pace: CommitPace;
  private readonly fatalListeners: Array<(error: Error) => void> = [];

  constructor(
    private readonly store: Transactor,
    private readonly settings: WriteQueueSettings,
  ) {
    this.pace = new CommitPace(settings.clock);
  }

  /**
   * Does work in the next transaction that has room for so many rows; resolves with its result once that is on the
   * disk. Rejects with `StoreUnavailable` after the deadline: if it had not begun by then it never will. Work must
   * check everything before its first write: what it wrote before it throws cannot be taken back, hence a throw is fatal.
   */
  run<T>(rows: number, work: () => T): Promise<T> {
    return this.enqueue(this.waiting, Math.max(1, rows), work);
  }

  /** As `run`, but behind all that waits, one such job a transaction, and without a deadline. */
  runBehind<T>(work: () => T): Promise<T> {
    return this.enqueue(this.background, 0, work);
  }

  /** Called once, when a commit failed: nothing may be confirmed any more by this process. */
  onFatal(call: (error: Error) => void): void {
    if (this.failure) call(this.failure);
    else this.fatalListeners.push(call);
  }

  get failed(): Error | undefined {
    return this.failure;
  }

  /** Jobs that are not answered yet. */
  get depth(): number {
    return this.waiting.length + this.background.length + this.running.length;
  }

  /** How long the transaction that runs, or else the oldest job, has been waiting, ms; 0 when there is none. */
  get oldestMs(): number {
    const since = this.begunAt ?? this.waiting[0]?.since;
    return since === undefined ? 0 : this.settings.clock.monotonic() - since;
  }

  /** Begins no transaction until the answered function is called; none is running when this resolves. */
  async hold(): Promise<() => void> {
    this.isHeld = true;
    await this.drained();
    return () => {
      this.isHeld = false;
      this.start();
    };
  }

  /** Takes nothing more, and finishes what it has. Answers false when that did not end within the deadline. */
  async close(): Promise<boolean> {
    this.closing = true;
    this.gathering?.cancel();
    this.gathering = undefined;
    this.start();
    const ended = await this.emptied();
    if (!ended) this.expire(Infinity);
    this.watch?.cancel();
    return ended;
  }

  private emptied(): Promise<boolean> {
    return new Promise((resolve) => {
      const limit = this.settings.clock.after(this.settings.deadlineMs, () => resolve(false));
      void this.drained().then(() => {
        limit.cancel();
        resolve(true);
      });
    });
  }

  private async drained(): Promise<void> {
    while (this.outstanding) await this.outstanding;
  }

  private enqueue<T>(queue: Job[], rows: number, work: () => T): Promise<T> {
    if (this.failure) return Promise.reject(new StoreUnavailable('the store failed', { cause: this.failure }));
    if (this.closing) return Promise.reject(new StoreUnavailable('the store is closed'));
    return new Promise<T>((resolve, reject) => {
      const since = this.settings.clock.monotonic();
      queue.push({ rows, since, work, resolve, reject, settled: false, result: undefined });
      this.waitingRows += rows;
      if (rows > 0) this.watch ??= this.settings.clock.after(this.settings.deadlineMs, this.checkDeadlines);
      this.begin();
    });
  }

  private begin(): void {
    if (this.outstanding) return;
    if (this.waitingRows >= this.settings.commitRows) this.start();
    else if (!this.gathering) this.gather();
  }

  private gather(): void {
    const pause = this.pace.pauseMs();
    if (pause === 0) this.start();
    else this.gathering = this.settings.clock.after(pause, () => this.start());
  }

  private start(): void {
    this.gathering?.cancel();
    this.gathering = undefined;
    if (this.outstanding || this.isHeld || this.failure || this.waiting.length + this.background.length === 0) return;
    const begun = this.settings.clock.monotonic();
    this.begunAt = begun;
    let broken: Error | undefined;
    const transaction = this.store.transact(() => {
      try {
        this.carryOut();
      } catch (error) {
        broken = error as Error;
      }
    });
    this.outstanding = transaction
      .then(() => (broken ? this.fail(broken) : this.confirm(begun)))
      .catch((error: Error) => this.fail(error));
  }

  private carryOut(): void {
    this.take();
    this.store.begin();
    for (const job of this.running) job.result = job.work();
    this.store.end();
  }

  private take(): void {
    let rows = 0;
    let count = 0;
    for (const job of this.waiting) {
      if (count > 0 && rows + job.rows > this.settings.commitRows) break;
      rows += job.rows;
      count += 1;
    }
    this.running = this.waiting.splice(0, count);
    this.waitingRows -= rows;
    const behind = this.background.shift();
    if (behind) this.running.push(behind);
  }

  private confirm(begun: number): void {
    this.store.committed();
    this.settings.onCommit((this.settings.clock.monotonic() - begun) / 1_000);
    const done = this.running;
    this.running = [];
    this.outstanding = undefined;
    this.begunAt = undefined;
    this.pace.committed();
    for (const job of done) if (!job.settled) job.resolve(job.result as never);
    if (this.closing) this.start();
    else if (this.waiting.length + this.background.length > 0) this.begin();
  }

  private fail(error: Error): void {
    this.failure = error;
    const lost = [...this.running, ...this.waiting.splice(0), ...this.background.splice(0)];
    this.running = [];
    this.outstanding = undefined;
    this.begunAt = undefined;
    this.watch?.cancel();
    for (const job of lost) {
      if (!job.settled) job.reject(new StoreUnavailable('the store failed', { cause: error }));
    }
    for (const call of this.fatalListeners.splice(0)) call(error);
  }

  private readonly checkDeadlines = (): void => {
    const { clock, deadlineMs } = this.settings;
    this.expire(clock.monotonic() - deadlineMs);
    const oldest = this.running.find((job) => job.rows > 0 && !job.settled) ?? this.waiting[0];
    const wait = oldest && oldest.since + deadlineMs - clock.monotonic();
    this.watch = wait === undefined ? undefined : clock.after(Math.max(1, wait), this.checkDeadlines);
  };

  /** What already runs is refused too, as unknown: its commit may still succeed. */
  private expire(until: number): void {
    const isLate = (job: Job): boolean => job.rows > 0 && !job.settled && job.since <= until;
    let late = 0;
    for (const job of this.waiting) {
      if (!isLate(job)) break;
      this.waitingRows -= job.rows;
      late += 1;
    }
    for (const job of [...this.running.filter(isLate), ...this.waiting.splice(0, late)]) {
      job.settled = true;
      job.reject(new StoreUnavailable('the store did not answer in time'));
    }
  }
}
