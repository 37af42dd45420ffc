import { beforeEach, describe, expect, it } from 'vitest';
import { type InboxEntry, parseFrame } from './frames.js';
import { Receiver } from './receiver.js';
import { ManualTimers } from './testing/manual-timers.js';
import { messageOf } from './testing/scripted-server.js';

let timers: ManualTimers;
let receiver: Receiver;
let handled: number[];
let acks: number[];
let failures: unknown[];
let handle: (entry: InboxEntry) => void | Promise<void>;

const entry = (seq: number): InboxEntry => parseFrame(JSON.stringify(messageOf(seq))) as InboxEntry;
const accept = (...seqs: number[]): string[] => seqs.map((seq) => receiver.accept(entry(seq)));
const attach = (ackedSeq: number, ceiling: number): void =>
  receiver.attach({ ack: (seq) => void acks.push(seq), ackedSeq, ceiling }, 'e1');
/** Lets handlers that have ended be counted. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  timers = new ManualTimers();
  [handled, acks, failures] = [[], [], []];
  handle = (one) => void handled.push(one.seq ?? 0);
  const events = { handle: (one: InboxEntry) => handle(one), onFailure: (error: unknown) => void failures.push(error) };
  const settings = { ackAfterMessages: 3, ackAfterBytes: 10_000, ackAfterMs: 1000 };
  receiver = new Receiver(settings, events, timers, { epoch: 'e1', lastSeq: 5 });
  attach(5, 5);
});

describe('receiver', () => {
  it('hands each entry over once, in order, and names a hole', async () => {
    expect(accept(6, 6, 5, 7, 9)).toEqual(['accepted', 'duplicate', 'duplicate', 'accepted', 'hole']);
    await settled();
    expect(handled).toEqual([6, 7]);
    expect(receiver.accepted).toEqual({ epoch: 'e1', lastSeq: 7 });
  });

  it('acknowledges after so many messages', async () => {
    accept(6, 7);
    await settled();
    expect(acks).toEqual([]);
    accept(8);
    await settled();
    expect(acks).toEqual([8]);
  });

  it('acknowledges after so many bytes', async () => {
    receiver.accept({ ...entry(6), raw: 'x'.repeat(10_000) });
    await settled();
    expect(acks).toEqual([6]);
  });

  it('acknowledges after a second, once', async () => {
    accept(6);
    await settled();
    timers.advance(999);
    expect(acks).toEqual([]);
    timers.advance(5000);
    expect(acks).toEqual([6]);
  });

  it('acknowledges nothing before its handler has ended', async () => {
    let end!: () => void;
    handle = () => new Promise((resolve) => (end = resolve));
    accept(6);
    timers.advance(5000);
    receiver.flushAck();
    expect([acks, receiver.position?.lastSeq]).toEqual([[], 5]);
    end();
    await settled();
    receiver.flushAck();
    expect([acks, receiver.position?.lastSeq]).toEqual([[6], 6]);
  });

  it('stops at an entry whose handler throws, and goes on from it when asked', async () => {
    let broken = true;
    handle = (one) => {
      if (one.seq === 7 && broken) throw new Error('no');
      handled.push(one.seq ?? 0);
    };
    accept(6, 7, 8);
    await settled();
    receiver.flushAck();
    expect([handled, acks, failures.length]).toEqual([[6], [6], 1]);
    broken = false;
    receiver.retry();
    await settled();
    receiver.flushAck();
    expect([handled, acks]).toEqual([
      [6, 7, 8],
      [6, 8],
    ]);
  });

  it('acknowledges on a new connection only what that one has delivered or resumed from', async () => {
    accept(6, 7);
    await settled();
    receiver.detach();
    attach(5, 5);
    timers.advance(1000);
    expect(acks).toEqual([]);
    accept(6);
    timers.advance(1000);
    expect(acks).toEqual([6]);
    accept(7);
    timers.advance(1000);
    expect(acks).toEqual([6, 7]);
  });

  it('acknowledges nothing of another epoch', async () => {
    accept(6);
    await settled();
    receiver.detach();
    receiver.attach({ ack: (seq) => void acks.push(seq), ackedSeq: 0, ceiling: 100 }, 'e2');
    receiver.flushAck();
    expect(acks).toEqual([]);
    receiver.jump({ epoch: 'e2', lastSeq: 0 });
    accept(1);
    await settled();
    receiver.flushAck();
    expect([acks, receiver.position]).toEqual([[1], { epoch: 'e2', lastSeq: 1 }]);
  });

  it('starts no handler after stop, and waits for the one that runs', async () => {
    let end!: () => void;
    handle = (one) => {
      handled.push(one.seq ?? 0);
      return new Promise((resolve) => (end = resolve));
    };
    accept(6, 7);
    const stopped = receiver.stop();
    end();
    await stopped;
    expect([handled, receiver.position?.lastSeq]).toEqual([[6], 6]);
  });
});
