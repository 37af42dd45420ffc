import { SystemClock } from '../../src/common/clock.js';

/** The clock of a machine whose wall time is wrong. */
export class SkewedClock extends SystemClock {
  constructor(private readonly skewMs: number) {
    super();
  }

  override now(): number {
    return super.now() + this.skewMs;
  }
}
