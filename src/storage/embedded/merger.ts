import type { Timer } from '../../common/clock.js';
import { randomId } from '../../common/ids.js';
import type { Generation } from './generation.js';
import type { Journal } from './journal.js';
import type { Entry, MergeClaim } from './merged-index.js';
import type { EmbeddedSettings } from './settings.js';
import type { WriteQueue } from './write-queue.js';

/**
 * Brings the index up to the journal, stride by stride, along with the commits of others. Of several processes one
 * merges and the others wait for it: two do no harm to each other, but twice the work.
 */
export class Merger {
  private timer: Timer | undefined;
  private merging: Promise<void> | undefined;
  private readonly name = randomId();
  /** The claim of another that was seen last, and when first. */
  private seen: { readonly claim: MergeClaim; readonly since: number } | undefined;

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

  /** Merges all that is committed now, whoever else merges; resolves when that is durable. */
  async merge(): Promise<void> {
    await this.merging;
    const isSetAside = this.journal.isFrozen;
    await this.mergeOnce();
    if (isSetAside) await this.mergeOnce();
  }

  private mergeLazily(): void {
    if (this.merging) return;
    // Set aside in any case, so that it is dropped as a whole when another has merged it.
    this.journal.freeze();
    // What fails is tried again by the next; a failed commit is told by the queue.
    if (!this.isOthersTurn()) this.mergeOnce().catch(() => undefined);
  }

  /** Another has claimed what is not merged yet, and is not given up. */
  private isOthersTurn(): boolean {
    const claim = this.journal.index.claim();
    if (!claim || claim.by === this.name || claim.upTo <= this.journal.index.mergedUpTo()) return false;
    const now = this.settings.clock.monotonic();
    const isSame = this.seen?.claim.by === claim.by && this.seen.claim.upTo === claim.upTo;
    if (!this.seen || !isSame) this.seen = { claim, since: now };
    return now - this.seen.since < this.settings.mergeIntervalMs;
  }

  private mergeOnce(): Promise<void> {
    this.merging ??= this.mergeFrozen().finally(() => (this.merging = undefined));
    return this.merging;
  }

  private async mergeFrozen(): Promise<void> {
    const frozen = this.journal.freeze();
    if (!frozen) return;
    const { index } = this.journal;
    const entries = index.entriesOf(frozen);
    await this.writes.runBehind(() => index.setClaim({ by: this.name, upTo: frozen.end }));
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
