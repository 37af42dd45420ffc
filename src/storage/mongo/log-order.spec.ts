import { describe, expect, it } from 'vitest';
import { LogOrder } from './log-order.js';

/** Work that ends when it is told to. */
class Work {
  begun = false;
  end: () => void = () => {};
  fail: (error: Error) => void = () => {};

  readonly run = (): Promise<void> => {
    this.begun = true;
    return new Promise((resolve, reject) => {
      this.end = resolve;
      this.fail = reject;
    });
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the order of work on logs', () => {
  it('lets work on the same log wait, and work on others begin at once', async () => {
    const order = new LogOrder();
    const [first, second, other] = [new Work(), new Work(), new Work()];
    void order.run(new Set(['a', 'b']), first.run);
    void order.run(new Set(['b', 'c']), second.run);
    void order.run(new Set(['d']), other.run);
    expect([first.begun, second.begun, other.begun]).toEqual([true, false, true]);
    first.end();
    await turn();
    expect(second.begun).toBe(true);
  });

  it('goes on behind work that failed, and tells of the failure only who handed it in', async () => {
    const order = new LogOrder();
    const [first, second] = [new Work(), new Work()];
    const outcomes = Promise.allSettled([order.run(new Set(['a']), first.run), order.run(new Set(['a']), second.run)]);
    first.fail(new Error('lost'));
    await turn();
    second.end();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });

  it('waits for all that was handed in before, not for the last alone', async () => {
    const order = new LogOrder();
    const [slow, quick, behind] = [new Work(), new Work(), new Work()];
    void order.run(new Set(['a']), slow.run);
    void order.run(new Set(['b']), quick.run);
    void order.run(new Set(['a', 'b']), behind.run);
    quick.end();
    await turn();
    expect(behind.begun).toBe(false);
    slow.end();
    await turn();
    expect(behind.begun).toBe(true);
  });
});
