import { beforeEach, describe, expect, it } from 'vitest';
import { FakeInboxLog } from '../../../test/support/fake-inbox-log.js';
import { ManualClock } from '../../common/clock.js';
import { AckQueue } from './ack-queue.js';
import type { Ack } from './inbox.types.js';

let store: FakeInboxLog;
let clock: ManualClock;
let queue: AckQueue;
let told: Array<{ log: string; acked: number; keys: readonly string[] }>;

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn += 1) await new Promise(setImmediate);
};

function ack(acked: number, reports: ReadonlyArray<readonly [number, string]> = []): Ack {
  return { acked, ackedTotals: { count: acked, bytes: acked * 10 }, reports: new Map(reports) };
}

beforeEach(() => {
  store = new FakeInboxLog();
  clock = new ManualClock();
  told = [];
  queue = new AckQueue(store, clock, (log, acked, keys) => void told.push({ log, acked, keys }));
});

describe('AckQueue', () => {
  it('writes the highest of each log once, with its totals', async () => {
    for (const [log, n] of [
      ['a', 3],
      ['b', 1],
      ['a', 5],
      ['a', 4],
    ] as const)
      queue.add(log, ack(n));
    await settled();
    expect(store.calls).toEqual(['raiseAcked']);
    expect(store.marksNow('a')).toMatchObject({ acked: 5, ackedTotals: { count: 5, bytes: 50 } });
    expect(told.map(({ log, acked }) => `${log}${acked}`)).toEqual(['a5', 'b1']);
  });

  it('gathers while a write runs', async () => {
    const held = store.hold('raiseAcked');
    queue.add('a', ack(1));
    await held.reached;
    for (const n of [2, 3, 4]) queue.add('a', ack(n));
    held.release();
    await settled();
    expect(told.map(({ acked }) => acked)).toEqual([1, 4]);
    expect(queue.size).toBe(0);
  });

  it('tells nothing before it is durable', async () => {
    const held = store.hold('raiseAcked');
    queue.add('a', ack(1, [[1, 'k1']]));
    await held.reached;
    expect(told).toEqual([]);
    held.release();
    await settled();
    expect(told).toEqual([{ log: 'a', acked: 1, keys: ['k1'] }]);
  });

  it('never lowers what stood, and says so', async () => {
    store.setMarks('a', { acked: 9 });
    queue.add('a', ack(4, [[4, 'k4']]));
    await settled();
    expect(store.marksNow('a').acked).toBe(9);
    expect(told).toEqual([{ log: 'a', acked: 9, keys: [] }]);
  });

  it('tells of each reported row once, although gathered acknowledgements cover it twice', async () => {
    queue.add('a', ack(1, [[1, 'k1']]));
    queue.add(
      'a',
      ack(2, [
        [1, 'k1'],
        [2, 'k2'],
      ]),
    );
    await settled();
    expect(told).toEqual([{ log: 'a', acked: 2, keys: ['k1', 'k2'] }]);
    queue.add(
      'a',
      ack(3, [
        [1, 'k1'],
        [2, 'k2'],
        [3, 'k3'],
      ]),
    );
    await settled();
    expect(told.at(-1)?.keys).toEqual(['k3']);
  });

  it('tries again as long as the store is away, and then writes the highest', async () => {
    store.away = true;
    queue.add('a', ack(1, [[1, 'k1']]));
    await settled();
    queue.add('a', ack(2));
    clock.advance(500);
    await settled();
    expect(told).toEqual([]);
    store.away = false;
    clock.advance(500);
    await settled();
    expect(told).toEqual([{ log: 'a', acked: 2, keys: ['k1'] }]);
  });

  it('does not lose the reports of a write whose answer was lost, as far as they can be known', async () => {
    store.failNext('raiseAcked', 'before');
    queue.add('a', ack(1, [[1, 'k1']]));
    await settled();
    clock.advance(500);
    await settled();
    expect(told).toEqual([{ log: 'a', acked: 1, keys: ['k1'] }]);
  });

  it('refuses at once to whoever waits for the outcome', async () => {
    store.away = true;
    await expect(queue.write(new Map([['a', ack(1)]]))).rejects.toThrow('not carried out');
  });
});
