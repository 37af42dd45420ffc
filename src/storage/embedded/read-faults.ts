import { Logger } from '@nestjs/common';
import type { Clock } from '../../common/clock.js';

const TELL_EACH_MS = 10_000;

/** lmdb throws bare errors; those of a program have kinds (TypeError, RangeError) of their own. */
export function isOfLmdb(error: unknown): error is Error {
  return error instanceof Error && error.constructor === Error;
}

/** Tells of reads that failed, the first at once; a broken store fails with each message, and the log must bear that. */
export class ReadFaults {
  private readonly logger = new Logger('EmbeddedStore');
  private toldAt: number | undefined;
  private untold = 0;

  constructor(private readonly clock: Clock) {}

  tell(error: Error): void {
    const now = this.clock.monotonic();
    if (this.toldAt !== undefined && now - this.toldAt < TELL_EACH_MS) {
      this.untold += 1;
      return;
    }
    const more = this.untold === 0 ? '' : `, and ${this.untold} before it that were not told`;
    this.logger.error(`a read failed${more}: ${error.message}`, error.stack);
    this.toldAt = now;
    this.untold = 0;
  }
}
