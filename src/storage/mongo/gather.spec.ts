import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { Gather } from './gather.js';

/** Takes every batch and holds it until it is told how it ends. */
class HeldWork {
  readonly batches: string[][] = [];
  readonly signals: AbortSignal[] = [];
  readonly signalsOfItems: Array<readonly AbortSignal[]> = [];
  private readonly ends: Array<{ resolve: (results: string[]) => void; reject: (error: Error) => void }> = [];

  readonly work = (
    items: readonly string[],
    signal: AbortSignal,
    signals: readonly AbortSignal[],
  ): Promise<string[]> => {
    this.batches.push([...items]);
    this.signals.push(signal);
    this.signalsOfItems.push(signals);
    return new Promise((resolve, reject) => void this.ends.push({ resolve, reject }));
  };

  /** Ends the latest batch; the next one has begun then, if anything waits. */
  async done(): Promise<void> {
    this.ends.at(-1)!.resolve(this.batches.at(-1)!.map((item) => `${item} done`));
    await nextTurn();
  }

  async failed(error: Error): Promise<void> {
    this.ends.at(-1)!.reject(error);
    await nextTurn();
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const { signal: never } = new AbortController();

function gathering(options?: ConstructorParameters<typeof Gather<string, string>>[1]) {
  const held = new HeldWork();
  const gather = new Gather<string, string>(held.work, options);
  const run = (item: string, signal = never): Promise<string> => gather.run(item, signal);
  return { held, run };
}

describe('Gather', () => {
  it('begins at once when nothing is under way', () => {
    const { held, run } = gathering();
    void run('a');
    expect(held.batches).toEqual([['a']]);
  });

  it('has one batch under way, and sends what comes meanwhile together and in its order', async () => {
    const { held, run } = gathering();
    const calls = ['a', 'b', 'c', 'd'].map((item) => run(item));
    await nextTurn();
    expect(held.batches).toEqual([['a']]);
    await held.done();
    expect(held.batches).toEqual([['a'], ['b', 'c', 'd']]);
    await held.done();
    expect(await Promise.all(calls)).toEqual(['a done', 'b done', 'c done', 'd done']);
    void run('e');
    expect(held.batches.at(-1)).toEqual(['e']);
  });

  it('sends no more together than it may', async () => {
    const { held, run } = gathering({ most: 2 });
    for (const item of ['a', 'b', 'c', 'd']) void run(item);
    for (let count = 0; count < 3; count += 1) await held.done();
    expect(held.batches).toEqual([['a'], ['b', 'c'], ['d']]);
  });

  it('lets a batch that fails fail for those in it, and for nobody else', async () => {
    const { held, run } = gathering();
    const [first, second, third] = [run('a'), run('b'), run('c')];
    await held.done();
    const outcomes = Promise.allSettled([second, third]);
    const late = run('d');
    await held.failed(new Error('away'));
    await held.done();
    expect(await outcomes).toMatchObject([{ reason: { message: 'away' } }, { reason: { message: 'away' } }]);
    expect([await first, await late]).toEqual(['a done', 'd done']);
  });

  it('sends what has the same key one after the other, and the rest together', async () => {
    const { held, run } = gathering({ keyOf: (item) => item.charAt(0) });
    for (const item of ['x', 'a1', 'b1', 'a2', 'c1', 'a3']) void run(item);
    for (let count = 0; count < 4; count += 1) await held.done();
    expect(held.batches).toEqual([['x'], ['a1', 'b1', 'c1'], ['a2'], ['a3']]);
  });

  it('never begins what nobody waits for any longer', async () => {
    const { held, run } = gathering();
    const impatient = new AbortController();
    void run('a');
    const rejected = expect(run('b', impatient.signal)).rejects.toThrow('too late');
    const patient = run('c');
    impatient.abort(new Error('too late'));
    await held.done();
    expect(held.batches).toEqual([['a'], ['c']]);
    await rejected;
    await held.done();
    expect(await patient).toBe('c done');
  });

  it('is idle when all that waited was given up', async () => {
    const { held, run } = gathering();
    const impatient = new AbortController();
    void run('a');
    const rejected = expect(run('b', impatient.signal)).rejects.toThrow('too late');
    impatient.abort(new Error('too late'));
    await held.done();
    await rejected;
    void run('c');
    expect(held.batches).toEqual([['a'], ['c']]);
  });

  it('tells a batch of the one who waits longest, and of each', async () => {
    const { held, run } = gathering();
    const [sooner, later] = [new AbortController(), new AbortController()];
    void run('a');
    void run('b', sooner.signal);
    void run('c', later.signal);
    await held.done();
    expect(held.signals[1]).toBe(later.signal);
    expect(held.signalsOfItems[1]).toEqual([sooner.signal, later.signal]);
  });

  it('lets a call that comes soon after another wait for more, and one that comes later go at once', async () => {
    const clock = new ManualClock();
    const { held, run } = gathering({ pace: { clock, ms: 20 } });
    void run('a');
    await nextTurn();
    await held.done();
    clock.advance(5);
    void run('b');
    clock.advance(14);
    void run('c');
    await nextTurn();
    expect(held.batches).toEqual([['a']]);
    clock.advance(1);
    await nextTurn();
    expect(held.batches).toEqual([['a'], ['b', 'c']]);
    await held.done();
    clock.advance(20);
    void run('d');
    await nextTurn();
    expect(held.batches.at(-1)).toEqual(['d']);
    expect(clock.waiting).toBe(0);
  });

  it('does not let wait what could not go along', async () => {
    const { held, run } = gathering({ most: 2, pace: { clock: new ManualClock(), ms: 20 } });
    for (const item of ['a', 'b', 'c']) void run(item);
    await nextTurn();
    await held.done();
    await held.done();
    expect(held.batches).toEqual([['a', 'b'], ['c']]);
  });
});
