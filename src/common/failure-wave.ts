import type { Clock } from './clock.js';

const WAVE_MS = 1_000;

/** What fails for thousands at once, when the store is away, is told once for all of them a moment after the first. */
export class FailureWave {
  private count = 0;
  private last = '';

  constructor(
    private readonly clock: Clock,
    private readonly tell: (count: number, last: string) => void,
  ) {}

  add(reason: string): void {
    this.count += 1;
    this.last = reason;
    if (this.count === 1) this.clock.after(WAVE_MS, () => this.end());
  }

  private end(): void {
    const { count, last } = this;
    this.count = 0;
    this.tell(count, last);
  }
}
