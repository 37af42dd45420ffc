import type { Clock } from '../../common/clock.js';
import { Refusal } from '../../protocol/index.js';
import type { Answer } from '../../modules/routing/index.js';
import type { BatchResults, Result } from './messages.schema.js';

/** Collects the answers of one batch in the order of its messages, whenever they come. */
export class BatchOutcome {
  private readonly slots: Array<Result | undefined>;
  private open: number;
  private complete: () => void = () => {};

  /** `ids`: of each message, null where it has none. */
  constructor(private readonly ids: ReadonlyArray<string | null>) {
    this.slots = ids.map(() => undefined);
    this.open = ids.length;
  }

  /** Whether every message has its answer. */
  get isComplete(): boolean {
    return this.open === 0;
  }

  settle(index: number, answer: Answer): void {
    if (answer.kind === 'refused') return this.refuse(index, answer.refusal);
    this.fill(index, { id: answer.id, status: answer.kind });
  }

  refuse(index: number, { code, reason, field, retryAfterMs }: Refusal): void {
    this.fill(index, {
      id: this.ids[index] ?? null,
      status: 'refused',
      code,
      reason,
      ...(field !== undefined && { field }),
      ...(retryAfterMs !== undefined && { retry_after_ms: retryAfterMs }),
    });
  }

  /** All results, after `deadlineMs` at the latest; what is open then is refused for now, and may be stored or not. */
  async results(clock: Clock, deadlineMs: number): Promise<BatchResults> {
    if (this.open > 0) await this.completed(clock, deadlineMs);
    this.slots.forEach((slot, index) => {
      if (!slot) this.refuse(index, new Refusal('retry_later', { reason: 'no answer from the store in time' }));
    });
    return { results: this.slots.filter((slot) => slot !== undefined) };
  }

  private async completed(clock: Clock, deadlineMs: number): Promise<void> {
    const done = new Promise<void>((resolve) => {
      this.complete = resolve;
    });
    const timer = clock.after(deadlineMs, () => this.complete());
    await done;
    timer.cancel();
  }

  /** The first answer counts: one that comes after the deadline changes nothing. */
  private fill(index: number, result: Result): void {
    if (this.slots[index]) return;
    this.slots[index] = result;
    this.open -= 1;
    if (this.open === 0) this.complete();
  }
}
