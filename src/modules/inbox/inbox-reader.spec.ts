import { beforeEach, describe, expect, it } from 'vitest';
import { FakeInboxLog } from '../../../test/support/fake-inbox-log.js';
import { CLOSE, Refusal } from '../../protocol/index.js';
import { InboxReader } from './inbox-reader.js';
import { type LogRow, NO_MARKS } from './inbox-log.js';

const LOG = 'n:reader';
const AGE = 1_000;

class Sink {
  room = Infinity;
  readonly frames: string[] = [];
  closedWith: number | undefined;
  readonly limits: string[] = [];

  send(frame: string): void {
    this.frames.push(frame);
  }

  close(code: number): void {
    this.closedWith = code;
  }

  limited(limit: string): void {
    this.limits.push(limit);
  }

  get seqs(): number[] {
    return this.frames.map((frame) => (JSON.parse(frame) as { seq: number }).seq);
  }
}

let store: FakeInboxLog;
let sink: Sink;
let now: number;

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
};

function readerOf(windowMessages = 3, windowBytes = 10_000): InboxReader {
  return new InboxReader(LOG, store, sink, { windowMessages, windowBytes, ageMs: AGE }, () => now);
}

function fill(count: number, more: Partial<LogRow> = {}): LogRow[] {
  return Array.from({ length: count }, () =>
    store.slip(LOG, { key: `k${store.rowsOf(LOG).length + 1}`, ...more }),
  ).flat();
}

beforeEach(() => {
  store = new FakeInboxLog();
  sink = new Sink();
  now = 0;
});

describe('InboxReader', () => {
  it('writes the next row at once, without asking the store', () => {
    const reader = readerOf();
    reader.start(0, 0, NO_MARKS);
    reader.offer(fill(1)[0] as LogRow);
    expect(sink.frames).toEqual(['{"seq":1,"timestamp":0,"n":1}']);
    expect(store.calls).toEqual([]);
  });

  it('writes nothing before its start, and then all that it was told of meanwhile', async () => {
    const reader = readerOf();
    for (const row of fill(2)) reader.offer(row);
    await settled();
    expect(sink.seqs).toEqual([]);
    reader.start(0, 1, NO_MARKS);
    await settled();
    expect(sink.seqs).toEqual([1, 2]);
  });

  it('reads the hole from the store when a higher row is told of', async () => {
    const reader = readerOf();
    reader.start(0, 0, NO_MARKS);
    reader.offer(fill(3)[2] as LogRow);
    await settled();
    expect(sink.seqs).toEqual([1, 2, 3]);
  });

  it('drops what it wrote already', async () => {
    const reader = readerOf();
    reader.start(0, 0, NO_MARKS);
    const [row] = fill(1);
    for (let times = 0; times < 3; times += 1) reader.offer(row as LogRow);
    await settled();
    expect(sink.seqs).toEqual([1]);
  });

  it('stops at the window of messages and goes on when any connection acknowledges', async () => {
    const reader = readerOf(3);
    fill(7);
    reader.start(0, 7, NO_MARKS);
    await settled();
    expect(sink.seqs).toEqual([1, 2, 3]);
    reader.raiseAcked(2);
    await settled();
    expect(sink.seqs).toEqual([1, 2, 3, 4, 5]);
    reader.raiseAcked(1);
    await settled();
    expect(sink.seqs).toHaveLength(5);
    expect(sink.limits).toEqual(['window_messages']);
  });

  it('stops before the window of bytes would be passed', async () => {
    const reader = readerOf(100, 190);
    const rows = fill(5, { body: `{"b":"${'x'.repeat(50)}"}` });
    reader.start(0, 2, NO_MARKS);
    await settled();
    for (const row of rows.slice(2)) reader.offer(row);
    await settled();
    expect(sink.seqs).toEqual([1, 2]);
    expect(sink.limits).toEqual(['window_bytes']);
    reader.raiseAcked(1);
    await settled();
    expect(sink.seqs).toEqual([1, 2, 3]);
    reader.raiseAcked(3);
    await settled();
    expect(sink.seqs).toEqual([1, 2, 3, 4, 5]);
  });

  it('tells that its window holds something back, once until it has caught up', async () => {
    const reader = readerOf(3);
    fill(3);
    reader.start(0, 3, NO_MARKS);
    await settled();
    expect(sink.limits).toEqual([]);
    for (const row of fill(4)) reader.offer(row);
    for (const acked of [1, 2, 3]) {
      reader.raiseAcked(acked);
      await settled();
    }
    expect(sink.limits).toEqual(['window_messages']);
    reader.raiseAcked(7);
    await settled();
    expect(sink.seqs).toHaveLength(7);
    for (const row of fill(4)) reader.offer(row);
    expect(sink.limits).toEqual(['window_messages', 'window_messages']);
  });

  it('writes a row that is bigger than the window of bytes alone', async () => {
    const reader = readerOf(100, 20);
    fill(2);
    reader.start(0, 2, NO_MARKS);
    await settled();
    expect(sink.seqs).toEqual([1]);
    reader.raiseAcked(1);
    await settled();
    expect(sink.seqs).toEqual([1, 2]);
  });

  it('does not count rows in the window that the node acknowledged before', async () => {
    const reader = readerOf(2);
    const rows = fill(6);
    reader.start(0, 6, { ...NO_MARKS, acked: 4, ackedTotals: (rows[3] as LogRow).totals });
    await settled();
    expect(sink.seqs).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('waits while the sink takes nothing, also in the middle of a read, until it is pumped', async () => {
    const reader = readerOf(10);
    fill(4);
    sink.send = (frame) => {
      sink.frames.push(frame);
      if (sink.frames.length === 2) sink.room = 0;
    };
    reader.start(0, 4, NO_MARKS);
    await settled();
    expect(sink.seqs).toEqual([1, 2]);
    sink.room = Infinity;
    reader.pump();
    await settled();
    expect(sink.seqs).toEqual([1, 2, 3, 4]);
  });

  it('asks the store for no more than the sink has room for', async () => {
    const reader = readerOf(10, 10_000);
    const asked: number[] = [];
    const read = store.read.bind(store);
    store.read = (log, range) => {
      asked.push(range.maxBytes);
      return read(log, range);
    };
    fill(2);
    sink.room = 700;
    reader.start(0, 2, NO_MARKS);
    await settled();
    expect(sink.seqs).toEqual([1, 2]);
    expect(asked).toEqual([700]);
  });

  it('keeps the order when a row is told of while it reads', async () => {
    const reader = readerOf(10);
    fill(2);
    const held = store.hold('read');
    reader.start(0, 2, NO_MARKS);
    await held.reached;
    reader.offer(fill(1)[0] as LogRow);
    held.release();
    await settled();
    expect(sink.seqs).toEqual([1, 2, 3]);
  });

  it('shows a row beyond the inbox age as gone, and keeps its number', async () => {
    const reader = readerOf();
    fill(1);
    fill(1, { at: AGE });
    now = AGE + 1;
    reader.start(0, 2, NO_MARKS);
    await settled();
    expect(sink.frames[0]).toBe('{"type":-116,"seq":1,"reason":"expired"}');
    expect(sink.seqs).toEqual([1, 2]);
  });

  it('closes with 4005 when the floor passed the next row', async () => {
    const reader = readerOf();
    const rows = fill(3);
    await store.raiseFloor(LOG, 3, (rows[1] as LogRow).totals);
    await store.dropBodies(LOG, 3);
    reader.start(0, 3, NO_MARKS);
    await settled();
    expect(sink.closedWith).toBe(CLOSE.behindFloor);
    expect(sink.seqs).toEqual([]);
  });

  it('closes with 4005 when the row itself is gone', async () => {
    const reader = readerOf();
    const rows = fill(3);
    store.setMarks(LOG, { floor: 3, floorTotals: (rows[1] as LogRow).totals });
    store.removeAtOnce(LOG, 3);
    reader.start(0, 3, NO_MARKS);
    await settled();
    expect(sink.closedWith).toBe(CLOSE.behindFloor);
  });

  it('waits when the store does not show the row yet', async () => {
    const reader = readerOf();
    reader.start(0, 1, NO_MARKS);
    await settled();
    expect(sink.closedWith).toBeUndefined();
    fill(1);
    reader.pump();
    await settled();
    expect(sink.seqs).toEqual([1]);
  });

  it('tries again after the store was away', async () => {
    const reader = readerOf();
    fill(2);
    store.failNext('read', 'before');
    reader.start(0, 2, NO_MARKS);
    await settled();
    expect(sink.seqs).toEqual([]);
    reader.pump();
    await settled();
    expect(sink.seqs).toEqual([1, 2]);
  });

  it('writes nothing after it was stopped', async () => {
    const reader = readerOf();
    fill(2);
    const held = store.hold('read');
    reader.start(0, 2, NO_MARKS);
    await held.reached;
    reader.stop();
    held.release();
    await settled();
    expect(sink.frames).toEqual([]);
  });
});

describe('what an acknowledgement covers', () => {
  it('is what was sent here and not more', async () => {
    const reader = readerOf();
    const rows = fill(2);
    reader.start(0, 2, NO_MARKS);
    await settled();
    expect(reader.covered(2)).toEqual({ seq: 2, totals: (rows[1] as LogRow).totals, reports: new Map() });
    expect(() => reader.covered(3)).toThrow(Refusal);
  });

  it('is also what the client had when it resumed, though nobody here knows its totals', () => {
    const reader = readerOf();
    fill(4);
    reader.start(4, 4, NO_MARKS);
    expect(reader.covered(4)).toEqual({ seq: 4, reports: new Map() });
    expect(() => reader.covered(5)).toThrow(Refusal);
  });

  it('has no totals as long as rows from before the resume are among it', async () => {
    const reader = readerOf();
    const rows = fill(3);
    reader.start(2, 3, NO_MARKS);
    await settled();
    expect(reader.covered(3)?.totals).toBeUndefined();
    reader.raiseAcked(2);
    expect(reader.covered(3)?.totals).toEqual((rows[2] as LogRow).totals);
  });

  it('names the rows whose senders want to hear of it', async () => {
    const reader = readerOf();
    fill(1, { report: true });
    fill(2);
    reader.start(0, 3, NO_MARKS);
    await settled();
    expect(reader.covered(3)?.reports).toEqual(new Map([[1, 'k1']]));
    reader.raiseAcked(1);
    expect(reader.covered(3)?.reports).toEqual(new Map());
  });

  it('is nothing new up to what the node has acknowledged, by whichever connection', async () => {
    const reader = readerOf();
    fill(3);
    reader.start(0, 3, { ...NO_MARKS, acked: 1 });
    await settled();
    expect(reader.covered(1)).toBeUndefined();
    expect(reader.covered(2)).toBeDefined();
    reader.raiseAcked(2);
    expect(reader.covered(2)).toBeUndefined();
    expect(reader.covered(3)).toBeDefined();
  });
});
