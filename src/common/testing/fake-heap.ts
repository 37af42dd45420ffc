import { Heap } from '../heap.js';

/** A heap that is as full as a test says; everything is a part of its limit. */
export class FakeHeap extends Heap {
  readonly limitBytes = 1;
  collections = 0;
  isStopped = false;
  /** What a collection that is asked for leaves. */
  alive: number | undefined;
  private used = 0;
  private readonly listeners: Array<() => void> = [];

  usedBytes(): number {
    return this.used;
  }

  /** Takes so much, garbage included, and collects nothing. */
  fill(used: number): void {
    this.used = used;
  }

  /** A collection that leaves so much. */
  leave(used: number): void {
    this.used = used;
    for (const call of this.listeners) call();
  }

  onCollected(call: () => void): void {
    this.listeners.push(call);
  }

  collect(): void {
    this.collections += 1;
    this.leave(this.alive ?? this.used);
  }

  stop(): void {
    this.isStopped = true;
  }
}
