import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from './clock.js';
import { repeat } from './repeat.js';

let clock: ManualClock;
let calls: string[];
const note = (what: string) => () => void calls.push(`${what}@${clock.monotonic()}`);

beforeEach(() => {
  clock = new ManualClock();
  calls = [];
});

describe('ManualClock', () => {
  it('calls what falls due, in the order of time, and at its time', () => {
    clock.after(20, note('late'));
    clock.after(10, note('early'));
    clock.after(31, note('never'));
    clock.advance(30);
    expect(calls).toEqual(['early@10', 'late@20']);
    expect([clock.monotonic(), clock.waiting]).toEqual([30, 1]);
  });

  it('repeats what is to be repeated until it is cancelled', () => {
    const timer = clock.every(10, note('beat'));
    clock.advance(35);
    timer.cancel();
    timer.cancel();
    clock.advance(100);
    expect(calls).toEqual(['beat@10', 'beat@20', 'beat@30']);
  });

  it('makes calls that a call schedules', () => {
    clock.after(10, () => clock.after(10, note('second')));
    clock.advance(20);
    expect(calls).toEqual(['second@20']);
  });

  it('jumps without a call, and makes up for what was passed over once', () => {
    clock.every(10, note('beat'));
    clock.after(5, note('once'));
    clock.jump(100);
    expect(calls).toEqual([]);
    clock.advance(10);
    expect(calls).toEqual(['once@100', 'beat@100', 'beat@110']);
  });

  it('moves wall time and monotonic time alike', () => {
    const [wall, elapsed] = [clock.now(), clock.monotonic()];
    clock.advance(7);
    clock.jump(5);
    expect([clock.now() - wall, clock.monotonic() - elapsed]).toEqual([12, 12]);
  });

  it('resolves a pause when it is over', async () => {
    const paused = clock.pause(10).then(note('over'));
    clock.advance(9);
    await Promise.resolve();
    expect(calls).toEqual([]);
    clock.advance(1);
    await paused;
    expect(calls).toEqual(['over@10']);
  });
});

describe('repeat', () => {
  it('begins anew when the last one has ended, and never runs two at once', async () => {
    let end: (() => void) | undefined;
    const timer = repeat(
      clock,
      () => 10,
      () => {
        note('work')();
        return new Promise((resolve) => (end = resolve));
      },
    );
    clock.advance(100);
    expect(calls).toEqual(['work@10']);
    end?.();
    await new Promise(setImmediate);
    clock.advance(10);
    expect(calls).toEqual(['work@10', 'work@110']);
    timer.cancel();
    end?.();
    await new Promise(setImmediate);
    expect(clock.waiting).toBe(0);
  });
});
