import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { StoreUnavailable } from '../../modules/inbox/index.js';
import { type Transactor, WriteQueue } from './write-queue.js';

/** A store whose lock and disk a test moves by hand. */
class HandDrivenStore implements Transactor {
  readonly log: string[] = [];
  private callback: (() => void) | undefined;
  private settle: { resolve: () => void; reject: (error: Error) => void } | undefined;

  transact(callback: () => void): Promise<void> {
    if (this.callback) throw new Error('two transactions at once');
    this.log.push('transaction');
    this.callback = callback;
    return new Promise((resolve, reject) => (this.settle = { resolve, reject }));
  }

  begin(): void {
    this.log.push('begin');
  }

  end(): void {
    this.log.push('end');
  }

  committed(): void {
    this.log.push('committed');
  }

  get isWaiting(): boolean {
    return this.callback !== undefined;
  }

  /** The lock is had: the callback runs. */
  enter(): void {
    this.callback?.();
  }

  /** The commit is on the disk, or failed. */
  async finish(error?: Error): Promise<void> {
    this.callback = undefined;
    if (error) this.settle?.reject(error);
    else this.settle?.resolve();
    await flush();
  }

  async commit(): Promise<void> {
    this.enter();
    await this.finish();
  }
}

async function flush(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

function setUp(commitRows = 4) {
  const clock = new ManualClock();
  const store = new HandDrivenStore();
  const seconds: number[] = [];
  const onCommit = (each: number): void => void seconds.push(each);
  const queue = new WriteQueue(store, { clock, deadlineMs: 5_000, commitRows, onCommit });
  const done: string[] = [];
  const add = (name: string, rows = 1): Promise<string> =>
    queue.run(rows, () => {
      done.push(name);
      return name;
    });
  return { clock, store, queue, done, add, seconds };
}

describe('the write queue', () => {
  it('commits at once when nothing runs, and answers only after the commit', async () => {
    const { store, add, done } = setUp();
    let answer: string | undefined;
    void add('a').then((value) => (answer = value));
    expect(store.isWaiting).toBe(true);
    store.enter();
    await flush();
    expect([done, answer]).toEqual([['a'], undefined]);
    await store.finish();
    expect(answer).toBe('a');
    expect(store.log).toEqual(['transaction', 'begin', 'end', 'committed']);
  });

  it('tells how long a commit took', async () => {
    const { clock, store, add, seconds } = setUp();
    void add('a');
    clock.advance(20);
    store.enter();
    clock.advance(5);
    expect(seconds).toEqual([]);
    await store.finish();
    expect(seconds).toEqual([0.025]);
  });

  it('has one transaction at a time, and gathers meanwhile', async () => {
    const { store, add, done } = setUp();
    const all = [add('a')];
    store.enter();
    all.push(add('b'), add('c'));
    expect(done).toEqual(['a']);
    await store.finish();
    await store.commit();
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c']);
    expect(store.log.filter((entry) => entry === 'transaction')).toHaveLength(2);
  });

  it('takes along what came while it waited for the lock', async () => {
    const { store, add } = setUp();
    const all = [add('a'), add('b')];
    await store.commit();
    expect(await Promise.all(all)).toEqual(['a', 'b']);
    expect(store.isWaiting).toBe(false);
  });

  it('carries so many rows a commit, in their order, and a large job alone', async () => {
    const { store, add, done } = setUp(4);
    const all = [add('a', 2), add('b', 2), add('c', 1), add('d', 9), add('e', 1)];
    const commits: string[][] = [];
    while (store.isWaiting) {
      const before = done.length;
      await store.commit();
      commits.push(done.slice(before));
    }
    expect(commits).toEqual([['a', 'b'], ['c'], ['d'], ['e']]);
    await Promise.all(all);
  });

  it('refuses what waited too long for the lock, and never carries it out', async () => {
    const { clock, store, add, done } = setUp();
    const late = add('late');
    clock.advance(4_999);
    const fresh = add('fresh');
    clock.advance(1);
    await expect(late).rejects.toBeInstanceOf(StoreUnavailable);
    await store.commit();
    expect(await fresh).toBe('fresh');
    expect(done).toEqual(['fresh']);
  });

  it('refuses what waited too long behind others', async () => {
    const { clock, store, add, done } = setUp();
    const running = add('running');
    store.enter();
    clock.advance(3_000);
    const behind = add('behind');
    const outcomes = Promise.allSettled([running, behind]);
    clock.advance(2_000);
    clock.advance(3_000);
    expect((await outcomes).map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
    await store.finish();
    expect(done).toEqual(['running']);
    expect(store.isWaiting).toBe(false);
  });

  it('needs no timer when nothing waits', async () => {
    const { clock, store, add } = setUp();
    const all = add('a');
    await store.commit();
    await all;
    clock.advance(20_000);
    expect(clock.waiting).toBe(0);
  });

  it('refuses everything for good after a failed commit, and says so once', async () => {
    const { store, add, queue, done } = setUp();
    const told: string[] = [];
    queue.onFatal((error) => told.push(error.message));
    const inIt = add('a');
    store.enter();
    const behind = add('b');
    await Promise.all([
      expect(inIt).rejects.toBeInstanceOf(StoreUnavailable),
      expect(behind).rejects.toBeInstanceOf(StoreUnavailable),
      store.finish(new Error('no space')),
    ]);
    await expect(add('c')).rejects.toBeInstanceOf(StoreUnavailable);
    expect([told, done, store.isWaiting]).toEqual([['no space'], ['a'], false]);
    queue.onFatal((error) => told.push(`late: ${error.message}`));
    expect(told).toEqual(['no space', 'late: no space']);
  });

  it('takes an error inside a transaction for a failed commit', async () => {
    const { store, queue } = setUp();
    const broken = queue.run(1, () => {
      throw new Error('half written');
    });
    await Promise.all([expect(broken).rejects.toBeInstanceOf(StoreUnavailable), store.commit()]);
    expect(queue.failed?.message).toBe('half written');
    expect(store.log).not.toContain('committed');
  });

  it('lets work behind come last, one job a transaction, and without a deadline', async () => {
    const { clock, store, queue, add, done } = setUp();
    const behind = ['x', 'y'].map((name) => queue.runBehind(() => void done.push(name)));
    clock.advance(60_000);
    const first = add('a');
    await store.commit();
    await first;
    expect(done).toEqual(['a', 'x']);
    await store.commit();
    await Promise.all(behind);
    expect(done).toEqual(['a', 'x', 'y']);
  });

  it('tells how long a write waits, also when nobody waits for it any more', async () => {
    const { clock, store, add, queue } = setUp();
    expect(queue.oldestMs).toBe(0);
    const late = expect(add('a')).rejects.toBeInstanceOf(StoreUnavailable);
    clock.advance(2_000);
    expect(queue.oldestMs).toBe(2_000);
    clock.advance(4_000);
    await late;
    expect(queue.oldestMs).toBe(6_000);
    await store.commit();
    expect(queue.oldestMs).toBe(0);
  });

  it('finishes what it has before it is closed, and takes nothing more', async () => {
    const { store, add, queue } = setUp(1);
    const all = [add('a'), add('b')];
    const closing = queue.close();
    await expect(add('c')).rejects.toBeInstanceOf(StoreUnavailable);
    await store.commit();
    await store.commit();
    expect(await closing).toBe(true);
    expect(await Promise.all(all)).toEqual(['a', 'b']);
  });

  it('is closed in time although the lock is never had', async () => {
    const { clock, add, queue } = setUp();
    const stuck = add('a');
    const closing = queue.close();
    await Promise.all([
      expect(stuck).rejects.toBeInstanceOf(StoreUnavailable),
      flush().then(() => clock.advance(5_000)),
    ]);
    expect(await closing).toBe(false);
    expect(clock.waiting).toBe(0);
  });

  it('stands still while it is held', async () => {
    const { store, add, queue } = setUp();
    const first = add('a');
    store.enter();
    const holding = queue.hold();
    await store.finish();
    const release = await holding;
    const second = add('b');
    expect(store.isWaiting).toBe(false);
    release();
    await store.commit();
    expect(await Promise.all([first, second])).toEqual(['a', 'b']);
  });
});

async function commitEach(ms: number, times: number) {
  const context = setUp();
  for (let i = 0; i < times; i++) {
    const job = context.add('a');
    context.clock.advance(ms);
    await context.store.commit();
    await job;
  }
  return context;
}

describe('the pace of commits', () => {
  it('gathers for a millisecond when there were more than 500 a second lately', async () => {
    const { clock, store, add } = await commitEach(1, 150);
    const job = add('b');
    expect(store.isWaiting).toBe(false);
    clock.advance(1);
    expect(store.isWaiting).toBe(true);
    await store.commit();
    await job;
  });

  it('does not gather what fills a commit', async () => {
    const { store, add } = await commitEach(1, 150);
    const job = add('b', 4);
    expect(store.isWaiting).toBe(true);
    await store.commit();
    await job;
  });

  it('does not gather when there were fewer, or none lately', async () => {
    const slow = await commitEach(3, 150);
    void slow.add('b');
    expect(slow.store.isWaiting).toBe(true);
    const rested = await commitEach(1, 150);
    rested.clock.advance(1_000);
    void rested.add('b');
    expect(rested.store.isWaiting).toBe(true);
  });
});
