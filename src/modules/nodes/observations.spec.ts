import { beforeEach, describe, expect, it } from 'vitest';
import { Observations } from './observations.js';
import { serverNodeRow } from './testing/index.js';

const LIMITS = { staleMs: 9_000, longestGapMs: 6_000 };
const OWN = 'own';
const row = (bootId: string, beat: number): ReturnType<typeof serverNodeRow> =>
  serverNodeRow({ serverNodeId: `~s${bootId}`, address: `${bootId}:1`, bootId, beat });

let observations: Observations;
let now: number;
const bootsOf = (rows: ReadonlyArray<{ bootId: string }>): string[] => rows.map(({ bootId }) => bootId);

beforeEach(() => {
  observations = new Observations(LIMITS);
  now = 50_000;
});

/** A turn `ms` after the last: heartbeats as given, by boot id; answers who died. */
function turn(ms: number, beats: Record<string, number>): string[] {
  now += ms;
  observations.take(
    Object.entries(beats).map(([bootId, beat]) => row(bootId, beat)),
    now,
  );
  return bootsOf(observations.judge(now, OWN));
}

describe('Observations', () => {
  it('takes one for alive that it sees for the first time, and for dead when nothing moved for the whole time', () => {
    expect(turn(0, { a: 5 })).toEqual([]);
    expect(turn(3_000, { a: 5 })).toEqual([]);
    expect(turn(3_000, { a: 5 })).toEqual([]);
    expect([observations.isLive('a'), bootsOf(observations.live)]).toEqual([true, ['a']]);
    expect(turn(3_000, { a: 5 })).toEqual(['a']);
    expect([observations.isLive('a'), observations.holds('a'), bootsOf(observations.dead)]).toEqual([
      false,
      true,
      ['a'],
    ]);
    expect(turn(3_000, { a: 5 })).toEqual([]);
  });

  it('takes none for dead whose heartbeat rises, whatever its value', () => {
    for (let beat = 0; beat < 20; beat += 1) expect(turn(3_000, { a: beat, b: -beat })).toEqual([]);
  });

  it('never judges itself', () => {
    for (let count = 0; count < 10; count += 1) expect(turn(3_000, { [OWN]: 1 })).toEqual([]);
  });

  it('concludes nothing from two readings that are far apart, as after a standstill of its own', () => {
    turn(0, { a: 1 });
    expect(turn(20_000, { a: 1 })).toEqual([]);
    expect(turn(3_000, { a: 1 })).toEqual([]);
    expect(turn(3_000, { a: 1 })).toEqual([]);
    expect(turn(3_000, { a: 1 })).toEqual(['a']);
  });

  it('begins anew after a turn that failed: with the store away nobody could show that it lives', () => {
    turn(0, { a: 1 });
    turn(3_000, { a: 1 });
    turn(3_000, { a: 1 });
    observations.interrupt();
    expect(turn(3_000, { a: 1 })).toEqual([]);
    expect(turn(3_000, { a: 1 })).toEqual([]);
    expect(turn(3_000, { a: 1 })).toEqual([]);
    expect(turn(3_000, { a: 1 })).toEqual(['a']);
  });

  it('counts from the moment at which it saw the last change, in a turn or between turns', () => {
    turn(0, { a: 1 });
    turn(3_000, { a: 1 });
    now += 2_000;
    observations.take([row('a', 2)], now);
    now -= 2_000;
    expect(turn(3_000, { a: 2 })).toEqual([]);
    expect(turn(3_000, { a: 2 })).toEqual([]);
    expect(turn(3_000, { a: 2 })).toEqual([]);
    expect(turn(3_000, { a: 2 })).toEqual(['a']);
  });

  it('believes one that was taken for dead as soon as it beats', () => {
    for (let count = 0; count < 4; count += 1) turn(3_000, { a: 1 });
    const { appeared } = observations.take([row('a', 2)], now);
    expect(bootsOf(appeared)).toEqual(['a']);
    expect(observations.isLive('a')).toBe(true);
  });

  it('tells who came and who has no place any more', () => {
    expect(observations.take([row('a', 1), row('b', 1)], now).appeared).toHaveLength(2);
    expect(observations.take([row('a', 2), row('b', 1)], now)).toEqual({ appeared: [], vanished: [] });
    const { appeared, vanished } = observations.take([row('c', 1), row('b', 1)], now);
    expect(bootsOf(appeared)).toEqual(['c']);
    expect(vanished).toEqual([{ row: row('a', 2), wasDead: false }]);
    for (let count = 0; count < 4; count += 1) turn(3_000, { b: 1, c: count + 2 });
    expect(observations.take([row('c', 9)], now).vanished).toMatchObject([{ row: { bootId: 'b' }, wasDead: true }]);
  });

  it('sends newcomers only where it has seen a heartbeat rise, and not long ago', () => {
    turn(0, { a: 1, b: 1 });
    expect(observations.beating).toEqual([]);
    turn(3_000, { a: 2, b: 1 });
    expect(bootsOf(observations.beating)).toEqual(['a']);
    turn(3_000, { a: 2, b: 2 });
    expect(bootsOf(observations.beating)).toEqual(['a', 'b']);
    turn(3_000, { a: 2, b: 3 });
    expect(bootsOf(observations.beating)).toEqual(['b']);
    expect(bootsOf(observations.live)).toEqual(['a', 'b']);
  });
});
