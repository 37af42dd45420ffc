import { LRUCache } from 'lru-cache';
import type { Clock } from '../../common/clock.js';

const REMEMBERED_LOGS = 100_000;
/** No longer than a writer believes a tail itself. */
const TRUST_MS = 30_000;

interface Tail {
  readonly n: number;
  /** When the store was asked for it, monotonic ms. */
  readonly asked: number;
}

/**
 * The newest n of logs, as a majority read or an own durable insert told. A row may be inserted behind it without a
 * look whether its predecessor exists; whoever is further behind has to look first.
 */
export class KnownTails {
  private readonly tails = new LRUCache<string, Tail>({ max: REMEMBERED_LOGS });

  constructor(private readonly clock: Clock) {}

  learn(log: string, n: number, asked: number): void {
    const known = this.tails.get(log);
    if (!known || n >= known.n) this.tails.set(log, { n, asked });
  }

  forget(log: string): void {
    this.tails.delete(log);
  }

  /** Undefined when nobody looked lately. */
  of(log: string): number | undefined {
    const known = this.tails.get(log);
    return known && this.clock.monotonic() - known.asked < TRUST_MS ? known.n : undefined;
  }
}
