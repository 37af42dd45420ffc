import type { Clock, Timer } from './clock.js';
import type { Heap } from './heap.js';

const LOOK_MS = 1_000;
/** A figure above a watermark that no collection confirmed for so long is asked for anew. */
const CONFIRM_MS = 30_000;

export interface HeapLimits {
  /** Part of the heap limit above which nobody new is let in. */
  readonly heapNoSocketsFraction: number;
  /** Part of the heap limit above which messages are refused for now. */
  readonly heapRetryLaterFraction: number;
}

/**
 * How much of the heap is alive. V8 puts off collecting as long as there is room, so what is taken at a moment is mostly
 * garbage on a busy server, and refusing because of it would refuse for nothing. What counts is what was left by the last
 * collection of the whole heap. V8 makes one before half of the room that the last one left is used up: what is alive
 * passes a watermark unseen by half of the room above it at most. Less can be alive than was left, and a quiet process
 * collects nothing; hence a figure above a watermark sinks with what is taken, and in the end a collection is asked for.
 */
export class HeapUse {
  private left = 0;
  private collectedAt: number;
  private readonly looking: Timer;

  constructor(
    private readonly clock: Clock,
    private readonly limits: HeapLimits,
    private readonly heap: Heap,
  ) {
    this.collectedAt = clock.monotonic();
    heap.onCollected(() => this.collected());
    this.looking = clock.every(LOOK_MS, () => this.look());
  }

  /** Alive, as a part of the heap limit. */
  get fraction(): number {
    return this.left;
  }

  /** Whether nobody new is let in. */
  get isHigh(): boolean {
    return this.left > this.limits.heapNoSocketsFraction;
  }

  /** Whether messages are refused for now. */
  get isCritical(): boolean {
    return this.left > this.limits.heapRetryLaterFraction;
  }

  stop(): void {
    this.looking.cancel();
    this.heap.stop();
  }

  private collected(): void {
    this.left = this.taken;
    this.collectedAt = this.clock.monotonic();
  }

  private look(): void {
    if (!this.isHigh && !this.isCritical) return;
    this.left = Math.min(this.left, this.taken);
    if ((!this.isHigh && !this.isCritical) || this.clock.monotonic() - this.collectedAt < CONFIRM_MS) return;
    this.collectedAt = this.clock.monotonic();
    this.heap.collect();
  }

  private get taken(): number {
    return this.heap.usedBytes() / this.heap.limitBytes;
  }
}
