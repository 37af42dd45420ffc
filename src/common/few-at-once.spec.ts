import { describe, expect, it } from 'vitest';
import { FewAtOnce } from './few-at-once.js';

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Begins so many tasks at once, which are done at once, and writes down in which order they were. */
function crowd(few: FewAtOnce, count: number): number[] {
  const done: number[] = [];
  for (let index = 0; index < count; index += 1) void few.run(() => Promise.resolve(done.push(index)));
  return done;
}

describe('of a crowd', () => {
  it('so many are done in one turn of the event loop, and the others in the next ones, in their order', async () => {
    const done = crowd(new FewAtOnce(3), 8);
    expect(done).toEqual([0, 1, 2]);
    await turn();
    await turn();
    expect(done).toEqual([0, 1, 2, 3, 4, 5]);
    await turn();
    expect(done).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('no more are under way at the same time, however long each takes', async () => {
    const few = new FewAtOnce(2);
    const ends: Array<() => void> = [];
    const slow = (): Promise<void> => new Promise((resolve) => void ends.push(resolve));
    for (let index = 0; index < 5; index += 1) void few.run(slow);
    for (let index = 0; index < 5; index += 1) await turn();
    expect(ends).toHaveLength(2);
    ends[0]?.();
    for (let index = 0; index < 3; index += 1) await turn();
    expect(ends).toHaveLength(3);
  });

  it('one that fails gives its place on, and its failure to who asked', async () => {
    const few = new FewAtOnce(1);
    const failing = few.run(() => Promise.reject(new Error('planted')));
    const next = few.run(() => Promise.resolve('next'));
    await expect(failing).rejects.toThrow('planted');
    expect(await next).toBe('next');
  });

  it('nobody waits once it is gone', async () => {
    const few = new FewAtOnce(3);
    crowd(few, 8);
    for (let index = 0; index < 5; index += 1) await turn();
    expect(crowd(few, 3)).toEqual([0, 1, 2]);
  });
});
