import type { HeapUse } from './heap-use.js';
import type { LimitName } from './limit-names.js';
import type { LoopLag } from './loop-lag.js';

/** Of what there is too little here for anybody new. */
export interface Shortage {
  readonly limit: LimitName;
  /** For people. */
  readonly reason: string;
}

/** Whether this process has enough to do with those that it has: whoever is new is sent elsewhere. */
export class Overload {
  constructor(
    private readonly lag: Pick<LoopLag, 'tooLate' | 'currentMs'>,
    private readonly heap: Pick<HeapUse, 'isHigh' | 'fraction'>,
  ) {}

  get shortages(): readonly Shortage[] {
    const { lag, heap } = this;
    const late = `the event loop lags ${Math.round(lag.currentMs)} ms`;
    const full = `the heap is ${Math.round(heap.fraction * 100)} % full`;
    return [
      ...(lag.tooLate ? [{ limit: 'loop_lag', reason: late } as const] : []),
      ...(heap.isHigh ? [{ limit: 'heap_sockets', reason: full } as const] : []),
    ];
  }
}
