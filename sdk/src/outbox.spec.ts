import { beforeEach, describe, expect, it } from 'vitest';
import { AllsparkError } from './errors.js';
import { laneOf, Outbox } from './outbox.js';
import { ManualTimers } from './testing/manual-timers.js';

const LOST = new AllsparkError({ code: 'not_connected', reason: 'lost' });
let timers: ManualTimers;
let outbox: Outbox;
let wire: string[];

const write = (text: string): number => wire.push(text);
const open = (): void => outbox.open(write, 65_536);
const put = (id: string, lane = 'b', transient = false) => outbox.add({ id, lane, text: id, transient });
const ignore = (sending: Promise<unknown>): void => void sending.catch(() => undefined);
const putAll = (...ids: string[]): void => ids.forEach((id) => ignore(put(id)));

/** Time passes whenever somebody looks at it. */
class TickingTimers extends ManualTimers {
  step = 0;

  override now(): number {
    const now = super.now();
    this.advance(this.step);
    return now + this.step;
  }
}

function taken(): string[] {
  return wire.splice(0);
}

beforeEach(() => {
  timers = new ManualTimers();
  outbox = new Outbox({ maxMessages: 6, maxBytes: 100, maxInFlight: 4 }, timers);
  wire = [];
});

describe('outbox', () => {
  it('resolves a message with its receipt', async () => {
    open();
    const receipt = put('1');
    expect(outbox.settle('1', 'stored')).toBe(true);
    await expect(receipt).resolves.toEqual({ id: '1', status: 'stored' });
    expect(outbox.size).toBe(0);
    expect(outbox.settle('1', 'stored')).toBe(false);
  });

  it('sends all that has no receipt again, oldest first, before anything new', () => {
    open();
    putAll('1', '2', '3');
    outbox.settle('2', 'stored');
    outbox.lost(LOST);
    putAll('4');
    taken();
    open();
    putAll('5');
    expect(taken()).toEqual(['1', '3', '4', '5']);
  });

  it('keeps the order of a destination whose pause ends while it looks for what may go', () => {
    const ticking = new TickingTimers();
    outbox = new Outbox({ maxMessages: 6, maxBytes: 100, maxInFlight: 4 }, ticking);
    open();
    putAll('1');
    taken();
    outbox.goBack('1', 10);
    putAll('2');
    ticking.step = 6;
    putAll('3');
    ticking.step = 0;
    ticking.advance(10);
    expect(taken()).toEqual(['1', '2', '3']);
  });

  it('goes back to the first refused one of a destination and leaves others alone', () => {
    open();
    ignore(put('1'));
    ignore(put('2'));
    ignore(put('x', 'c'));
    taken();
    outbox.goBack('1', 500);
    outbox.goBack('2', 500);
    ignore(put('3'));
    ignore(put('y', 'c'));
    expect(taken()).toEqual(['y']);
    outbox.settle('x', 'stored');
    timers.advance(499);
    expect(taken()).toEqual([]);
    timers.advance(1);
    expect(taken()).toEqual(['1', '2', '3']);
    expect(timers.pending).toBe(0);
  });

  it('waits for the answer to the last copy of a message, whatever is said of those before it', () => {
    open();
    putAll('1', '2');
    outbox.goBack('1', 10);
    timers.advance(10);
    taken();
    // What was refused behind the first one is said so late that both are on their way again.
    outbox.goBack('2', 10);
    timers.advance(10);
    expect(taken()).toEqual([]);
    outbox.goBack('2', 10);
    timers.advance(10);
    expect(taken()).toEqual(['2']);
  });

  it('counts copies anew on each connection', () => {
    open();
    putAll('1', '2');
    outbox.goBack('1', 10);
    timers.advance(10);
    outbox.lost(LOST);
    open();
    taken();
    outbox.goBack('2', 10);
    timers.advance(10);
    expect(taken()).toEqual(['2']);
  });

  it('sends the oldest first after a reconnect, whatever had been held back before', () => {
    open();
    ignore(put('1'));
    outbox.goBack('1', 10_000);
    ignore(put('2', 'c'));
    outbox.lost(LOST);
    taken();
    timers.advance(10_000);
    open();
    expect(taken()).toEqual(['1', '2']);
  });

  it('keeps what was written before the refused one', () => {
    open();
    putAll('1', '2', '3');
    taken();
    outbox.goBack('2', 10);
    timers.advance(10);
    expect(taken()).toEqual(['2', '3']);
  });

  it('keeps no more in flight than allowed', () => {
    open();
    putAll('1', '2', '3', '4', '5', '6');
    expect(taken()).toEqual(['1', '2', '3', '4']);
    outbox.settle('1', 'stored');
    expect(taken()).toEqual(['5']);
  });

  it('refuses more messages or bytes than it may hold', async () => {
    putAll('1', '2', '3', '4', '5', '6');
    await expect(put('7')).rejects.toMatchObject({ code: 'outbox_full', id: '7' });
    outbox.settle('1', 'stored');
    await expect(put('x'.repeat(96))).rejects.toMatchObject({ code: 'outbox_full' });
    putAll('7');
    expect(outbox.size).toBe(6);
  });

  it('takes the same message twice as one, and another of the same id as a conflict', async () => {
    open();
    const first = put('1');
    const again = put('1');
    const other = outbox.add({ id: '1', lane: 'b', text: 'other', transient: false });
    await expect(other).rejects.toMatchObject({ code: 'id_conflict' });
    outbox.settle('1', 'duplicate');
    expect(await Promise.all([first, again])).toMatchObject([{ status: 'duplicate' }, { status: 'duplicate' }]);
    expect(taken()).toEqual(['1']);
  });

  it('never writes a frame that is bigger than the server reads', async () => {
    const early = put('12345');
    outbox.open(write, 4);
    await expect(early).rejects.toMatchObject({ code: 'too_large' });
    await expect(put('12345')).rejects.toMatchObject({ code: 'too_large' });
    putAll('2');
    expect(taken()).toEqual(['2']);
  });

  it('resolves a transient message when it is written, and drops it with the connection', async () => {
    const waiting = put('1', 'b', true);
    open();
    await expect(waiting).resolves.toEqual({ id: '1', status: 'sent' });
    outbox.lost(LOST);
    const late = put('2', 'b', true);
    outbox.lost(LOST);
    await expect(late).rejects.toBe(LOST);
    taken();
    open();
    expect(taken()).toEqual([]);
  });

  it('rejects a final refusal and everything at the end', async () => {
    open();
    const [first, second] = [put('1'), put('2')];
    const refusal = new AllsparkError({ code: 'inbox_full', reason: 'full', id: '1' });
    expect(outbox.refuse('1', refusal)).toBe(true);
    await expect(first).rejects.toBe(refusal);
    outbox.failAll(LOST);
    await expect(second).rejects.toBe(LOST);
    expect(outbox.size).toBe(0);
  });

  it('holds a session and what is private inside it in one lane, apart from the member', () => {
    expect(laneOf({ destSessionId: 's', destId: 'b' })).toBe(laneOf({ destSessionId: 's' }));
    expect(new Set([laneOf({ destId: 'b' }), laneOf({ destClientId: 'b' }), laneOf({ destSessionId: 'b' })]).size).toBe(
      3,
    );
  });
});
