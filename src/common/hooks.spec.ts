import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from './clock.js';
import { Deciders, DECISION_MS, Observers, type Ruling } from './hooks.js';

class No extends Error {}
class Fault extends No {}

const refusalFrom = (said: unknown): No => (said instanceof No ? said : new Fault());
const never = (): Promise<undefined> => new Promise(() => {});
const NO = new No('no');

let clock: ManualClock;
let deciders: Deciders<string, No>;

/** Lets promises that can be settled be settled. */
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

beforeEach(() => {
  clock = new ManualClock();
  deciders = new Deciders('before', clock, refusalFrom);
});

describe('hooks that decide', () => {
  it('let pass when there is none, and when none refuses', async () => {
    expect([deciders.some, deciders.ask('x')]).toEqual([false, undefined]);
    deciders.add(() => undefined);
    expect([deciders.some, deciders.ask('x')]).toEqual([true, undefined]);
    deciders.add(async () => undefined);
    expect(await deciders.ask('x')).toBeUndefined();
  });

  it.each<[string, () => Ruling<No>]>([
    ['answering a refusal', () => NO],
    ['answering a promise of one', async () => NO],
    [
      'throwing one',
      () => {
        throw NO;
      },
    ],
    ['rejecting with one', () => Promise.reject(NO)],
  ])('refuse by %s', async (_, hook) => {
    deciders.add(hook);
    expect(await deciders.ask('x')).toBe(NO);
    clock.advance(5_000);
  });

  it.each<[string, () => unknown]>([
    [
      'that throws',
      () => {
        throw new Error('broken');
      },
    ],
    ['that rejects', () => Promise.reject(new Error('broken'))],
    ['that rejects with nothing', () => Promise.reject(undefined)],
    ['that answers what is no ruling', () => false],
    ['that promises what is no ruling', async () => true],
  ])('one %s refuses: nothing passes by mistake', async (_, hook) => {
    deciders.add(hook as () => Ruling<No>);
    expect(await deciders.ask('x')).toBeInstanceOf(Fault);
  });

  it('are asked one after the other in the order in which they were added, up to the first refusal', async () => {
    const asked: number[] = [];
    let release: (() => void) | undefined;
    const slow = new Promise<void>((resolve) => (release = resolve));
    deciders.add(async () => {
      await slow;
      asked.push(1);
    });
    deciders.add(() => void asked.push(2));
    deciders.add(async () => {
      asked.push(3);
      return NO;
    });
    deciders.add(() => void asked.push(4));
    const ruling = deciders.ask('x');
    release?.();
    expect(await ruling).toBe(NO);
    expect(asked).toEqual([1, 2, 3]);
  });

  it('refuse when together they took too long, and those behind are not asked any more', async () => {
    const asked: string[] = [];
    let release: (() => void) | undefined;
    deciders.add(() => new Promise<void>((resolve) => (release = resolve)));
    deciders.add((what) => void asked.push(what));
    const ruling = deciders.ask('x');
    clock.advance(DECISION_MS - 1);
    await settled();
    expect(clock.waiting).toBe(1);
    clock.advance(1);
    expect(await ruling).toBeInstanceOf(Fault);
    release?.();
    await settled();
    expect(asked).toEqual([]);
  });

  it('leave no timer behind', async () => {
    deciders.add(async () => undefined);
    await deciders.ask('x');
    await settled();
    expect(clock.waiting).toBe(0);
  });

  it('are not asked any more when they were taken back, each by itself', () => {
    const hook = (): No => NO;
    const [first, second] = [deciders.add(hook), deciders.add(hook)];
    first();
    first();
    expect(deciders.ask('x')).toBe(NO);
    second();
    expect([deciders.some, deciders.ask('x')]).toEqual([false, undefined]);
  });

  it('that were asked already go on when one is taken back meanwhile', async () => {
    const undo = deciders.add(async () => undo());
    deciders.add(() => NO);
    expect(await deciders.ask('x')).toBe(NO);
  });
});

describe('hooks that observe', () => {
  it('are all told in their order, whatever one of them throws or rejects with, and nobody waits for them', async () => {
    const observers = new Observers<string>('after', clock);
    const told: string[] = [];
    observers.add(never);
    observers.add((what) => {
      told.push(`1 ${what}`);
      throw new Error('broken');
    });
    observers.add((what) => Promise.reject(new Error(what)));
    const undo = observers.add((what) => void told.push(`2 ${what}`));
    observers.tell('x');
    await settled();
    expect(told).toEqual(['1 x', '2 x']);
    undo();
    observers.tell('y');
    expect(told).toEqual(['1 x', '2 x', '1 y']);
  });
});

describe('what goes wrong with hooks', () => {
  it('is logged once for a whole wave', async () => {
    const lines: unknown[] = [];
    const { Logger } = await import('@nestjs/common');
    Logger.overrideLogger({ log: () => {}, warn: () => {}, error: (line: unknown) => void lines.push(line) });
    deciders.add(() => {
      throw new Error('broken');
    });
    for (let count = 0; count < 1_000; count += 1) void deciders.ask('x');
    expect(lines).toEqual([]);
    clock.advance(1_000);
    Logger.overrideLogger(false);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('before: 1000 failed, the last with Error: broken');
  });

  it('is not what a hook refuses', async () => {
    deciders.add(() => NO);
    void deciders.ask('x');
    expect(clock.waiting).toBe(0);
  });
});
