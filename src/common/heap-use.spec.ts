import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from './clock.js';
import { V8Heap } from './heap.js';
import { HeapUse } from './heap-use.js';
import { FakeHeap } from './testing/fake-heap.js';

const LIMITS = { heapNoSocketsFraction: 0.7, heapRetryLaterFraction: 0.85 };

function watched(): { heap: FakeHeap; clock: ManualClock; use: HeapUse } {
  const heap = new FakeHeap();
  const clock = new ManualClock();
  return { heap, clock, use: new HeapUse(clock, LIMITS, heap) };
}

describe('the use of the heap', () => {
  it('is what a collection left, whatever was taken meanwhile', () => {
    const { heap, clock, use } = watched();
    heap.fill(0.99);
    clock.advance(60_000);
    expect([use.fraction, use.isHigh, use.isCritical]).toEqual([0, false, false]);
    heap.leave(0.69);
    expect([use.fraction, use.isHigh, use.isCritical]).toEqual([0.69, false, false]);
    heap.fill(0.99);
    clock.advance(60_000);
    expect(use.fraction).toBe(0.69);
    expect(heap.collections).toBe(0);
  });

  it('is high above the first watermark and critical above the second', () => {
    const { heap, use } = watched();
    const seen = [0.7, 0.71, 0.85, 0.86, 0.5].map((left) => {
      heap.leave(left);
      return [use.isHigh, use.isCritical];
    });
    expect(seen).toEqual([
      [false, false],
      [true, false],
      [true, false],
      [true, true],
      [false, false],
    ]);
  });

  it('sinks with what is taken, which no garbage is below', () => {
    const { heap, clock, use } = watched();
    heap.leave(0.9);
    heap.fill(0.6);
    clock.advance(1_000);
    expect([use.fraction, use.isHigh]).toEqual([0.6, false]);
  });

  it('above a watermark is asked for anew when nothing confirmed it for 30 s', () => {
    const { heap, clock, use } = watched();
    heap.leave(0.9);
    heap.alive = 0.3;
    clock.advance(29_000);
    expect([heap.collections, use.isCritical]).toEqual([0, true]);
    clock.advance(1_000);
    expect([heap.collections, use.fraction]).toEqual([1, 0.3]);
    clock.advance(600_000);
    expect(heap.collections).toBe(1);
  });

  it('that stays above a watermark is asked for once each 30 s, and not while collections go on', () => {
    const { heap, clock } = watched();
    heap.leave(0.9);
    clock.advance(90_000);
    expect(heap.collections).toBe(3);
    for (let second = 0; second < 90; second += 1) {
      heap.leave(0.9);
      clock.advance(1_000);
    }
    expect(heap.collections).toBe(3);
  });

  it('is watched no more once it is stopped', () => {
    const { heap, clock, use } = watched();
    use.stop();
    expect([clock.waiting, heap.isStopped]).toEqual([0, true]);
  });
});

describe('the heap of V8', () => {
  let heap: V8Heap;

  afterEach(() => heap.stop());

  const collected = (): Promise<void> =>
    new Promise((resolve) => {
      heap.onCollected(resolve);
      heap.collect();
    });

  it('tells of a collection, which leaves what is alive and nothing else', async () => {
    heap = new V8Heap();
    const use = new HeapUse(new ManualClock(), LIMITS, heap);
    // What a first one leaves of what is dead already goes with the second.
    for (let round = 0; round < 2; round += 1) await collected();
    const before = use.fraction * heap.limitBytes;
    expect(before).toBeGreaterThan(1_000_000);
    const kept: number[][] = [];
    for (let round = 0; round < 256; round += 1) {
      const chunk = Array.from({ length: 65_536 }, () => Math.random());
      if (round % 4 === 0) kept.push(chunk);
    }
    await collected();
    const grown = use.fraction * heap.limitBytes - before;
    expect(kept).toHaveLength(64);
    // 64 chunks of half a MiB are kept of 256; what other tests of this process have left goes by a few MiB.
    expect(grown).toBeGreaterThan(24 * 2 ** 20);
    expect(grown).toBeLessThan(64 * 2 ** 20);
  });
});
