import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { FlushTurn } from './flush-turn.js';
import { OutboundBudget } from './outbound-budget.js';
import { OutboundQueue } from './outbound-queue.js';

const ROOMY = { outboundPauseBytes: 1e6, outboundCloseBytes: 1e6, outboundStuckMs: 10_000 };
const LIMITS = { outboundPauseBytes: 1_000, outboundCloseBytes: 4_000, outboundStuckMs: 10_000 };

/** A socket that takes what it is told to take. */
class FakeSink {
  readonly writes: Buffer[] = [];
  writableLength = 0;
  takes = true;
  private readonly pending: Array<() => void> = [];

  write(bytes: Buffer, done: () => void): void {
    this.writes.push(bytes);
    if (this.takes) return process.nextTick(done);
    this.writableLength += bytes.length;
    this.pending.push(done);
  }

  drain(): void {
    this.writableLength = 0;
    for (const done of this.pending.splice(0)) done();
  }

  get texts(): string[] {
    return this.writes.flatMap(textsOf);
  }
}

function textsOf(bytes: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length;) {
    expect(bytes[at]).toBe(0x81);
    const short = bytes[at + 1] as number;
    const head = short < 126 ? 2 : short === 126 ? 4 : 10;
    const length = head === 2 ? short : head === 4 ? bytes.readUInt16BE(at + 2) : bytes.readUIntBE(at + 4, 6);
    texts.push(bytes.toString('utf8', at + head, at + head + length));
    at += head + length;
  }
  return texts;
}

function peer({ budget = new OutboundBudget(Infinity), open = true, limits = LIMITS } = {}) {
  const sink = new FakeSink();
  const clock = new ManualClock();
  const state = { open: true, full: 0, fullNoMore: 0, roomAgain: 0, slow: 0, wrote: 0 };
  const owner = {
    isOpen: () => state.open,
    full: () => void (state.full += 1),
    fullNoMore: () => void (state.fullNoMore += 1),
    roomAgain: () => void (state.roomAgain += 1),
    wrote: (bytes: number) => void (state.wrote += bytes),
    tooSlow: () => {
      state.slow += 1;
      queue.discard();
    },
  };
  const queue: OutboundQueue = new OutboundQueue(sink, owner, limits, { turn: new FlushTurn(), budget, clock });
  if (open) queue.open('hello');
  return { sink, clock, state, queue, budget };
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const turns = async (count: number): Promise<void> => {
  for (let index = 0; index < count; index += 1) await turn();
};

describe('outbound frames', () => {
  it('of one turn of the event loop leave in one write, in their order', async () => {
    const { sink, queue, state } = peer();
    queue.push('a');
    await Promise.resolve();
    queue.push('b');
    expect(sink.writes).toHaveLength(0);
    await turn();
    expect(sink.writes).toHaveLength(1);
    expect(state.wrote).toBe(7 + 3 + 3);
    expect(sink.texts).toEqual(['hello', 'a', 'b']);
  });

  it('are framed right at every length of header, and in UTF-8', async () => {
    const { sink, queue } = peer({ limits: ROOMY });
    const texts = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000].map((length) => 'x'.repeat(length));
    for (const text of [...texts, 'é€😀'.repeat(30)]) queue.push(text);
    await turns(5);
    expect(sink.texts).toEqual(['hello', ...texts, 'é€😀'.repeat(30)]);
  });

  it('wait for hello, which goes first', async () => {
    const { sink, queue } = peer({ open: false });
    queue.push('early');
    await turn();
    expect(sink.writes).toHaveLength(0);
    queue.open('hello');
    await turn();
    expect(sink.texts).toEqual(['hello', 'early']);
  });

  it('wait while a write is under way, and are counted until it is done', async () => {
    const { sink, queue } = peer();
    sink.takes = false;
    await turn();
    queue.push('a');
    await turn();
    expect(sink.texts).toEqual(['hello']);
    expect(queue.bytes).toBe(7 + 3);
    sink.takes = true;
    sink.drain();
    await turn();
    expect(sink.texts).toEqual(['hello', 'a']);
    expect(queue.bytes).toBe(0);
  });

  it('are not written behind a close frame', async () => {
    const { sink, state, queue } = peer();
    state.open = false;
    queue.push('late');
    await turn();
    expect(sink.writes).toHaveLength(0);
    expect(queue.bytes).toBe(0);
  });

  it('are all written before a close', () => {
    const { sink, queue } = peer({ limits: ROOMY });
    for (let index = 0; index < 30; index += 1) queue.push('x'.repeat(10_000));
    queue.finish();
    expect(sink.texts).toHaveLength(31);
  });

  it('are not written at a close that comes before hello', () => {
    const { sink, queue } = peer({ open: false });
    queue.push('early');
    queue.finish();
    expect(sink.writes).toHaveLength(0);
  });
});

describe('a peer that does not take its frames', () => {
  it('is full above the first limit, and no more below it', async () => {
    const { sink, state, queue } = peer();
    sink.takes = false;
    queue.push('x'.repeat(1_000));
    expect(state).toMatchObject({ full: 1, fullNoMore: 0 });
    await turn();
    sink.drain();
    expect(state).toMatchObject({ full: 1, fullNoMore: 1, slow: 0 });
  });

  it('has room for what can wait elsewhere while half of a write is free', async () => {
    const { sink, state, queue } = peer({
      limits: { ...LIMITS, outboundPauseBytes: 256 * 1_024, outboundCloseBytes: 1e6 },
    });
    await turn();
    sink.takes = false;
    state.roomAgain = 0;
    expect(queue.room).toBe(64 * 1_024);
    queue.push('x'.repeat(20_000));
    expect(queue.room).toBe(64 * 1_024 - 20_004);
    queue.push('x'.repeat(20_000));
    expect(queue.room).toBe(0);
    await turn();
    expect(state.roomAgain).toBe(0);
    sink.drain();
    expect(queue.room).toBe(64 * 1_024);
    expect(state).toMatchObject({ roomAgain: 1, full: 0 });
  });

  it('is slow above the second limit', () => {
    const { queue, state } = peer();
    for (let index = 0; index < 5; index += 1) queue.push('x'.repeat(900));
    expect(state.slow).toBe(1);
  });

  it('is slow when what waits stands still, however little it is', async () => {
    const { sink, clock, state } = peer();
    sink.takes = false;
    await turn();
    clock.advance(9_999);
    expect(state.slow).toBe(0);
    clock.advance(1);
    expect(state.slow).toBe(1);
  });

  it('is not slow as long as it takes something now and then', async () => {
    const { sink, clock, state, queue } = peer();
    sink.takes = false;
    for (let index = 0; index < 5; index += 1) {
      queue.push('a');
      await turn();
      clock.advance(9_000);
      sink.drain();
    }
    expect(state.slow).toBe(0);
    queue.end();
    expect(clock.waiting).toBe(0);
  });
});

describe('all outbound frames together', () => {
  it('are bounded: above the sum the largest peer is given up', () => {
    const budget = new OutboundBudget(2_000);
    const [small, large] = [peer({ budget }), peer({ budget })];
    large.queue.push('x'.repeat(900));
    small.queue.push('x'.repeat(500));
    expect(large.state.slow).toBe(0);
    small.queue.push('x'.repeat(700));
    expect([small.state.slow, large.state.slow]).toEqual([1, 0]);
  });

  it('are bounded also while the largest peer is closing and its bytes are still on their way', async () => {
    const budget = new OutboundBudget(2_000);
    const [closing, large, small] = [peer({ budget }), peer({ budget }), peer({ budget })];
    closing.sink.takes = false;
    closing.queue.push('x'.repeat(1_200));
    await turn();
    closing.state.open = false;
    large.queue.push('x'.repeat(700));
    small.queue.push('x'.repeat(200));
    expect([closing, large, small].map(({ state }) => state.slow)).toEqual([0, 1, 0]);
    expect(budget.bytes).toBeLessThan(2_000);
  });

  it('are back at nothing when the sockets are gone', async () => {
    const budget = new OutboundBudget(Infinity);
    const peers = [peer({ budget }), peer({ budget }), peer({ budget, open: false })];
    peers[0]!.sink.takes = false;
    for (const { queue } of peers) queue.push('x'.repeat(100));
    await turn();
    for (const { queue } of peers) queue.end();
    peers[0]!.sink.drain();
    peers[0]!.queue.push('late');
    expect([budget.bytes, budget.size]).toEqual([0, 0]);
  });
});
