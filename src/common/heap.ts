import { constants, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** The JavaScript heap of this process. */
export abstract class Heap {
  /** What it may grow to before the process ends; bytes. */
  abstract readonly limitBytes: number;
  /** Taken now, garbage that is not collected yet included; bytes. */
  abstract usedBytes(): number;
  /** Calls a moment after each collection of the whole heap. */
  abstract onCollected(call: () => void): void;
  /** Collects the whole heap; the process stands still meanwhile. */
  abstract collect(): void;
  /** Calls nobody any more. */
  abstract stop(): void;
}

export class V8Heap extends Heap {
  readonly limitBytes = getHeapStatistics().heap_size_limit;
  private readonly listeners: Array<() => void> = [];
  private readonly observer = new PerformanceObserver((list) => {
    if (list.getEntries().some(isMajor)) for (const call of this.listeners) call();
  });

  constructor() {
    super();
    this.observer.observe({ entryTypes: ['gc'] });
  }

  usedBytes(): number {
    return getHeapStatistics().used_heap_size;
  }

  onCollected(call: () => void): void {
    this.listeners.push(call);
  }

  collect(): void {
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
  }

  stop(): void {
    this.observer.disconnect();
  }
}

function isMajor(entry: object): boolean {
  const { detail } = entry as { readonly detail?: { readonly kind?: number } };
  return detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR;
}
