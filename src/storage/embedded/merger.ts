import type { Timer } from '../../common/clock.js';
import type { Generation } from './generation.js';
import type { Journal } from './journal.js';
import type { Entry } from './merged-index.js';
import type { EmbeddedSettings } from './settings.js';
import type { WriteQueue } from './write-queue.js';

/** Brings the index up to the journal, stride by stride, between the commits of others. */
export class Merger {
  private timer: Timer | undefined;
  private merging: Promise<void> | undefined;

  constructor(
    private readonly journal: Journal,
    private readonly writes: WriteQueue,
    private readonly settings: EmbeddedSettings,
  ) {}

  start(): void {
    this.timer = this.settings.clock.every(this.settings.mergeIntervalMs, () => this.mergeLazily());
  }

  stop(): void {
    this.timer?.cancel();
  }

  rowsCommitted(): void {
    if (this.journal.unmerged >= this.settings.mergeRows) this.mergeLazily();
  }

  /** Merges all that is committed now; resolves when that is durable. */
  async merge(): Promise<void> {
    await this.merging;
    await this.mergeOnce();
  }

  private mergeLazily(): void {
    // What fails is tried again by the next; a failed commit is told by the queue.
    if (!this.merging) this.mergeOnce().catch(() => undefined);
  }

  private mergeOnce(): Promise<void> {
    this.merging ??= this.mergeFrozen().finally(() => (this.merging = undefined));
    return this.merging;
  }

  private async mergeFrozen(): Promise<void> {
    const frozen = this.journal.freeze();
    if (!frozen) return;
    const entries = this.journal.index.entriesOf(frozen);
    while (!(await this.writes.runBehind(() => this.writeChunk(frozen, entries))));
    this.journal.thaw(frozen);
  }

  private writeChunk(frozen: Generation, entries: Generator<Entry, void>): boolean {
    const { index } = this.journal;
    const merged = index.mergedUpTo();
    if (merged >= frozen.end) return true;
    for (let i = 0; i < this.settings.mergeChunk; i++) {
      const entry = entries.next();
      if (entry.done) {
        index.setMergedUpTo(frozen.end);
        return true;
      }
      entry.value(merged);
    }
    return false;
  }
}
