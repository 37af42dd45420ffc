import { beforeEach, describe, expect, it } from 'vitest';
import { FakeInboxLog } from '../../../test/support/fake-inbox-log.js';
import { ManualClock } from '../../common/clock.js';
import { InboxReader } from './inbox-reader.js';
import { NO_MARKS } from './inbox-log.js';
import { ReaderRegistry } from './reader-registry.js';

const POLL = 5_000;

let store: FakeInboxLog;
let clock: ManualClock;
let registry: ReaderRegistry;

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn += 1) await new Promise(setImmediate);
};

async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 50) {
    clock.advance(50);
    await settled();
  }
}

function readerOf(log: string, windowMessages = 1_000): { readonly frames: string[]; readonly reader: InboxReader } {
  const frames: string[] = [];
  const sink = { room: Infinity, send: (frame: string) => void frames.push(frame), close: () => {}, limited: () => {} };
  const wide = { windowMessages, windowBytes: 1_000_000, ageMs: Infinity };
  const reader = new InboxReader(log, store, sink, wide, () => clock.now());
  registry.add(reader);
  reader.start(0, 0, NO_MARKS);
  return { frames, reader };
}

beforeEach(() => {
  store = new FakeInboxLog();
  clock = new ManualClock();
  registry = new ReaderRegistry(store, clock, { pollMs: POLL, pollJitterMs: 500 });
});

describe('ReaderRegistry', () => {
  it('finds what nobody told of within one interval', async () => {
    const { frames } = readerOf('n:a');
    registry.poll();
    store.slip('n:a', { key: 'k1' });
    await pass(POLL + 1_000);
    expect(frames).toHaveLength(1);
  });

  it('reads on to the tail where it finds one row, however many there are', async () => {
    const { frames } = readerOf('n:a');
    registry.poll();
    for (let n = 1; n <= 50; n += 1) store.slip('n:a', { key: `k${n}` });
    await pass(POLL + 1_000);
    expect(frames).toHaveLength(50);
  });

  it('learns what readers of another process acknowledged when a window is full', async () => {
    const { frames } = readerOf('n:a', 2);
    registry.poll();
    const rows = Array.from({ length: 4 }, (_, index) => store.slip('n:a', { key: `k${index}` })).flat();
    await pass(POLL + 1_000);
    expect(frames).toHaveLength(2);
    await store.raiseAcked([{ log: 'n:a', acked: 2, ackedTotals: rows[1]?.totals ?? { count: 0, bytes: 0 } }]);
    await pass(POLL + 1_000);
    expect(frames).toHaveLength(4);
  });

  it('goes on to that tail as acknowledgements make room, without another poll', async () => {
    const { frames, reader } = readerOf('n:a', 10);
    registry.poll();
    for (let n = 1; n <= 25; n += 1) store.slip('n:a', { key: `k${n}` });
    await pass(POLL + 1_000);
    for (const acked of [10, 20]) {
      reader.raiseAcked(acked);
      await settled();
    }
    expect(frames).toHaveLength(25);
  });

  it('shows a reader what another reader of the log knew already', async () => {
    const { frames } = readerOf('n:a');
    registry.poll();
    store.slip('n:a', { key: 'k1' });
    // Opened before the next poll, and behind the new row: the poll asks for the row behind it.
    readerOf('n:a').reader.start(1, 1, NO_MARKS);
    await pass(POLL + 1_000);
    expect(frames).toHaveLength(1);
  });

  it('asks once for all readers of a log, and for no log that has none', async () => {
    const first = readerOf('n:a');
    const second = readerOf('n:a');
    const gone = readerOf('n:b');
    registry.remove(gone.reader);
    registry.poll();
    store.slip('n:a', { key: 'k1' });
    store.slip('n:b', { key: 'k1' });
    await pass(POLL + 1_000);
    expect([first.frames.length, second.frames.length, gone.frames.length]).toEqual([1, 1, 0]);
    expect(registry.size).toBe(1);
  });

  it('spreads the logs over the interval', async () => {
    for (let each = 0; each < 20; each += 1) readerOf(`n:${each}`);
    registry.poll();
    await pass(POLL + 1_000);
    const asked = store.calls.filter((call) => call === 'at').length;
    expect(asked).toBeGreaterThanOrEqual(10);
    expect(asked).toBeLessThanOrEqual(13);
  });

  it('goes on polling after the store was away', async () => {
    const { frames } = readerOf('n:a');
    registry.poll();
    store.slip('n:a', { key: 'k1' });
    store.away = true;
    await pass(POLL + 1_000);
    store.away = false;
    await pass(POLL + 1_000);
    expect(frames).toHaveLength(1);
  });

  it('stops polling, and leaves no timer', async () => {
    readerOf('n:a');
    const polling = registry.poll();
    await pass(POLL);
    polling.cancel();
    const before = store.calls.length;
    await pass(2 * POLL);
    expect(store.calls).toHaveLength(before);
    expect(clock.waiting).toBe(0);
  });

  it('hands a durable row to every reader of its log and to no other', () => {
    const [one, two, other] = [readerOf('n:a'), readerOf('n:a'), readerOf('n:b')];
    registry.offer(store.slip('n:a', { key: 'k1' }));
    expect([one.frames.length, two.frames.length, other.frames.length]).toEqual([1, 1, 0]);
  });
});
