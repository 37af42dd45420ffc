import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { type InboundFrame, InboundQueue } from './inbound-queue.js';
import { MessageRate } from './message-rate.js';

const LIMITS = { inboundFrames: 4, inboundBytes: 1_000 };
const RATE = { ratePerSecond: 10, rateBurst: 2, ratePauseMs: 1_000, rateAbuseFactor: 4, rateAbuseMs: 10_000 };

function connection({ rated = false, handle }: { rated?: boolean; handle?: () => Promise<unknown> } = {}) {
  const clock = new ManualClock();
  const state = { paused: false, abused: 0, handled: [] as InboundFrame[], limits: [] as string[] };
  const socket = {
    pause: (): void => void (state.paused = true),
    resume: (): void => void (state.paused = false),
  };
  const owner = {
    handle(frame: InboundFrame): void | Promise<unknown> {
      state.handled.push(frame);
      if (rated) queue.spend(1);
      return handle?.();
    },
    abusive: (): void => void (state.abused += 1),
    limited: (limit: string): void => void state.limits.push(limit),
  };
  const queue = new InboundQueue(socket, owner, LIMITS, clock, rated ? new MessageRate(clock, RATE) : undefined);
  const push = (count: number, bytes = 10): void => {
    for (let index = 0; index < count; index += 1) queue.push(`${index}`, bytes);
  };
  const texts = (): string[] => state.handled.map(({ text }) => text);
  return { clock, state, queue, push, texts };
}

const microtasks = async (count = 10): Promise<void> => {
  for (let index = 0; index < count; index += 1) await Promise.resolve();
};

describe('inbound frames', () => {
  it('are handled in their order', () => {
    const { push, texts } = connection();
    push(3);
    expect(texts()).toEqual(['0', '1', '2']);
  });

  it('wait for the one before, however long it takes', async () => {
    const releases: Array<() => void> = [];
    const handle = (): Promise<void> => new Promise((resolve) => releases.push(resolve));
    const { push, texts } = connection({ handle });
    push(3);
    await microtasks();
    expect(texts()).toEqual(['0']);
    releases[0]?.();
    await microtasks();
    expect(texts()).toEqual(['0', '1']);
  });

  it('beyond the limit stop the reading, and those of the same chunk are kept', () => {
    const { push, texts, state, queue } = connection();
    push(10);
    expect(texts()).toHaveLength(4);
    expect(state.paused).toBe(true);
    expect(state.limits).toEqual(['inbound_frames']);
    for (let index = 0; index < 10; index += 1) queue.answered(state.handled[index] as InboundFrame);
    expect(texts()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect(queue.open).toBe(0);
    expect(state.paused).toBe(false);
  });

  it('are read again only when half of the room is free', () => {
    const { push, state, queue } = connection();
    push(4);
    const [first, second, third] = state.handled as [InboundFrame, InboundFrame, InboundFrame];
    queue.answered(first);
    queue.answered(second);
    expect(state.paused).toBe(true);
    queue.answered(third);
    expect(state.paused).toBe(false);
  });

  it('count by their bytes too', () => {
    const { push, state } = connection();
    push(2, 499);
    expect(state.paused).toBe(false);
    push(1, 2);
    expect(state.paused).toBe(true);
    push(1, 2);
    expect(state.limits).toEqual(['inbound_bytes']);
  });

  it('are not handled before the connection is set up, and are then', () => {
    const { push, texts, queue } = connection();
    queue.hold('opening');
    push(3);
    expect(texts()).toEqual([]);
    queue.release('opening');
    expect(texts()).toEqual(['0', '1', '2']);
  });

  it('are neither read nor handled while the peer does not take its answers', () => {
    const { push, texts, state, queue } = connection();
    queue.hold('outbound');
    expect(state.paused).toBe(true);
    push(1);
    expect(texts()).toEqual([]);
    queue.release('outbound');
    expect(texts()).toEqual(['0']);
    expect(state.paused).toBe(false);
    expect(state.limits).toEqual([]);
  });

  it('say since when the socket was not read', () => {
    const { queue, clock } = connection();
    expect(queue.pausedSince(0)).toBe(false);
    queue.hold('outbound');
    clock.advance(100);
    expect(queue.pausedSince(50)).toBe(true);
    queue.release('outbound');
    expect(queue.pausedSince(50)).toBe(true);
    expect(queue.pausedSince(150)).toBe(false);
  });

  it('that the peer sent before it closed are handled, whatever the limits', () => {
    const { push, texts, queue } = connection();
    push(10);
    queue.finish();
    expect(texts()).toHaveLength(10);
  });

  it('are not handled after the connection was stopped, and the socket is read', () => {
    const { push, texts, state, queue, clock } = connection({ rated: true });
    push(8);
    queue.stop();
    push(1);
    expect(texts()).toHaveLength(2);
    expect(state.paused).toBe(false);
    expect(clock.waiting).toBe(0);
  });
});

describe('inbound frames that come too fast', () => {
  it('are read as slowly as they may come', () => {
    const { push, texts, state, clock, queue } = connection({ rated: true });
    push(3);
    expect(texts()).toEqual(['0', '1']);
    expect(state.paused).toBe(true);
    state.handled.forEach((frame) => queue.answered(frame));
    clock.advance(100);
    expect(texts()).toEqual(['0', '1', '2']);
    expect(state.handled[2]?.excess).toBe(false);
    expect(state.paused).toBe(false);
  });

  it('are handed on as excess when that has lasted', () => {
    const { push, state, clock, queue } = connection({ rated: true });
    const answerAll = (): void => state.handled.splice(0).forEach((frame) => queue.answered(frame));
    push(3);
    answerAll();
    for (let step = 0; step < 11; step += 1) {
      clock.advance(100);
      answerAll();
      push(2);
    }
    clock.advance(100);
    expect(state.handled.some(({ excess }) => excess)).toBe(true);
    expect(state.abused).toBe(0);
  });
});
