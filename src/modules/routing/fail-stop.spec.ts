import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { FailStop } from './fail-stop.js';

let clock: ManualClock;
let exhausted: number;
let stop: FailStop;

beforeEach(() => {
  clock = new ManualClock();
  exhausted = 0;
  stop = new FailStop(clock, { failStopMs: 30_000, failStopMessages: 4 }, () => (exhausted += 1));
});

/** Lets messages in and fails those that may enter. */
function fail(...ids: string[]): void {
  const places = ids.map((id) => [id, stop.enter('d', id)] as const);
  for (const [id, place] of places) if (place !== undefined) stop.fail('d', id, place);
}

const enters = (id: string, destination = 'd'): boolean => stop.enter(destination, id) !== undefined;

describe('FailStop', () => {
  it('lets everything pass while nothing failed', () => {
    expect(['a', 'b', 'a'].map((id) => enters(id))).toEqual([true, true, true]);
  });

  it('holds up what follows a failed one, until it comes again', () => {
    fail('a');
    expect(enters('b')).toBe(false);
    expect(enters('a')).toBe(true);
    expect(enters('c')).toBe(false);
    expect(enters('b')).toBe(true);
    expect(enters('c')).toBe(true);
    expect(enters('d')).toBe(true);
  });

  it('wants the failed ones in their order', () => {
    fail('a', 'b', 'c');
    expect(enters('b')).toBe(false);
    expect(enters('a')).toBe(true);
    expect(enters('c')).toBe(false);
    expect(enters('b')).toBe(true);
    expect(enters('c')).toBe(true);
  });

  it('puts one that fails again back into its place', () => {
    fail('a', 'b');
    const place = stop.enter('d', 'a');
    expect(enters('c')).toBe(false);
    stop.fail('d', 'a', place as number);
    expect(enters('b')).toBe(false);
    expect(['a', 'b', 'c'].map((id) => enters(id))).toEqual([true, true, true]);
  });

  it('keeps the order of entering, whatever order they fail in', () => {
    const [first, second] = [stop.enter('d', 'a'), stop.enter('d', 'b')];
    stop.fail('d', 'b', second as number);
    stop.fail('d', 'a', first as number);
    expect(enters('b')).toBe(false);
    expect(['a', 'b'].map((id) => enters(id))).toEqual([true, true]);
  });

  it('gives a message that was sent again before it was answered the place of its first copy', () => {
    const [first, second] = [stop.enter('d', 'a'), stop.enter('d', 'b')];
    stop.fail('d', 'b', second as number);
    expect(enters('a')).toBe(false);
    stop.fail('d', 'a', first as number);
    expect(enters('b')).toBe(false);
    expect(['a', 'b', 'c'].map((id) => enters(id))).toEqual([true, true, true]);
  });

  it('wants nothing any more of a message of which another copy is stored', () => {
    const [first] = [stop.enter('d', 'a')];
    fail('b');
    expect(enters('a')).toBe(false);
    expect(first).toBeDefined();
    stop.settle('d', 'a', 'stored');
    expect(enters('b')).toBe(true);
    expect(enters('c')).toBe(true);
    clock.advance(60_000);
    expect(exhausted).toBe(0);
  });

  it('wants nothing of a third copy that was on its way when the second one was stored', () => {
    fail('a');
    expect(enters('a')).toBe(true);
    const third = stop.enter('d', 'a')!;
    stop.settle('d', 'a', 'stored');
    stop.fail('d', 'a', third);
    expect(enters('b')).toBe(true);
    fail('c');
    expect(enters('a')).toBe(false);
    expect(enters('c')).toBe(true);
    expect(enters('d')).toBe(true);
  });

  it('holds up what follows one that fails after it was refused for good and sent once more', () => {
    fail('a');
    expect(enters('a')).toBe(true);
    stop.settle('d', 'a', 'refused');
    fail('a');
    expect(enters('b')).toBe(false);
    expect(['a', 'b'].map((id) => enters(id))).toEqual([true, true]);
  });

  it('gives one that was refused for good its place behind others that failed', () => {
    fail('a');
    expect(enters('a')).toBe(true);
    stop.settle('d', 'a', 'refused');
    fail('b');
    expect(['a', 'b', 'c'].map((id) => enters(id))).toEqual([false, true, false]);
    expect(['a', 'c'].map((id) => enters(id))).toEqual([true, true]);
  });

  it('wants nothing of a third copy that was on its way when the second one was refused for good', () => {
    fail('a');
    expect(enters('a')).toBe(true);
    const third = stop.enter('d', 'a')!;
    stop.settle('d', 'a', 'refused');
    stop.fail('d', 'a', third);
    expect(enters('b')).toBe(true);
    expect(clock.waiting).toBe(0);
  });

  it('waits as long as ever for the next when the first one is settled', () => {
    fail('a', 'b');
    clock.advance(29_999);
    stop.settle('d', 'a', 'stored');
    clock.advance(29_999);
    expect(exhausted).toBe(0);
    clock.advance(1);
    expect(exhausted).toBe(1);
  });

  it('holds up one destination and no other', () => {
    fail('a');
    expect(enters('b', 'elsewhere')).toBe(true);
  });

  it('owes one place for a message that was sent twice before it failed', () => {
    fail('a', 'a');
    expect(enters('a')).toBe(true);
    expect(enters('b')).toBe(true);
  });

  it('gives up when the first failed one stays away for too long', () => {
    fail('a');
    clock.advance(29_999);
    expect(exhausted).toBe(0);
    clock.advance(1);
    expect(exhausted).toBe(1);
  });

  it('counts anew for the next when the first came', () => {
    fail('a', 'b');
    clock.advance(29_999);
    enters('a');
    clock.advance(29_999);
    expect(exhausted).toBe(0);
    enters('b');
    clock.advance(60_000);
    expect(exhausted).toBe(0);
    expect(clock.waiting).toBe(0);
  });

  it('is as patient with each destination, whatever comes for another', () => {
    fail('a');
    clock.advance(20_000);
    stop.fail('e', 'x', stop.enter('e', 'x') ?? 0);
    expect(enters('x', 'e')).toBe(true);
    clock.advance(9_999);
    expect(exhausted).toBe(0);
    clock.advance(1);
    expect(exhausted).toBe(1);
  });

  it('gives up when too many are owed, over all destinations', () => {
    fail('a', 'b', 'c');
    const place = stop.enter('e', 'x');
    stop.fail('e', 'x', place as number);
    expect(exhausted).toBe(0);
    expect(enters('y', 'e')).toBe(false);
    expect(exhausted).toBe(1);
  });

  it('does not count one that is refused again and again', () => {
    fail('a');
    for (let times = 0; times < 10; times += 1) enters('b');
    expect(exhausted).toBe(0);
  });

  it('leaves no timer when it was stopped, whatever fails afterwards', () => {
    const place = stop.enter('d', 'a');
    stop.stop();
    stop.fail('d', 'a', place as number);
    expect(clock.waiting).toBe(0);
    clock.advance(60_000);
    expect(exhausted).toBe(0);
  });
});
