import { beforeEach, describe, expect, it } from 'vitest';
import { FakeInboxLog } from '../../../test/support/fake-inbox-log.js';
import { type Clock, ManualClock, SystemClock } from '../../common/clock.js';
import { StallGuard } from '../../common/stall-guard.js';
import { CreationKeys } from './creation-keys.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOON = 20_000 * DAY + 12 * HOUR;
const SETTINGS = { dedupeMs: DAY, tailTrustMs: 30_000, deadlineMs: 5_000 };
const creation = { nodeId: 'ann', key: 'k', asked: '{}' };

/** Shows one time for ever, while what waits is called all the same. */
class StandingClock extends SystemClock {
  constructor(private readonly wall: number) {
    super();
  }

  override now(): number {
    return this.wall;
  }
}

let store: FakeInboxLog;
let clock: ManualClock;
let keys: CreationKeys;

/** As another process has it, whose clock may be another too. */
const process = (itsClock: Clock = clock): CreationKeys =>
  new CreationKeys(store, SETTINGS, itsClock, new StallGuard(itsClock, 5_000, 30_000));
const idOf = async (asking: CreationKeys, sessionId: string, change: Partial<typeof creation> = {}): Promise<string> =>
  (await asking.reserve({ ...creation, ...change }, sessionId)).sessionId;
const rows = (): number => store.rowsOf('i:ann').length;

beforeEach(() => {
  store = new FakeInboxLog();
  clock = new ManualClock(NOON);
  keys = process();
});

describe('CreationKeys', () => {
  it('lead a repeat to the session of the first, and another key, body or node to its own', async () => {
    expect(await idOf(keys, 's1')).toBe('s1');
    expect(await idOf(keys, 's2')).toBe('s1');
    expect(await idOf(process(), 's3')).toBe('s1');
    expect(await idOf(keys, 's4', { key: 'other' })).toBe('s4');
    expect(await idOf(keys, 's5', { nodeId: 'bob' })).toBe('s5');
    await expect(idOf(keys, 's6', { asked: '{"type":"game"}' })).rejects.toMatchObject({ code: 'id_conflict' });
  });

  it('name the first and its repeats alike, and nothing else', async () => {
    const first = await keys.reserve(creation, 's1');
    expect(await process().reserve(creation, 's2')).toEqual(first);
    expect((await keys.reserve({ ...creation, key: 'other' }, 's1')).name).not.toBe(first.name);
  });

  it.each([
    ['in one period', NOON, NOON],
    ['on both sides of its turn', NOON + 12 * HOUR - 1, NOON + 12 * HOUR],
  ])('give one session to processes that are asked at once, %s', async (_, one, other) => {
    // Each call of the store takes a turn, so that both read before either writes.
    store.step = () => new Promise(setImmediate);
    const both = [process(new StandingClock(one)), process(new StandingClock(other))];
    const asked = both.flatMap((each, index) => [idOf(each, `s${index}`), idOf(each, `t${index}`)]);
    expect(new Set(await Promise.all(asked)).size).toBe(1);
    expect(rows()).toBe(1);
    expect(store.calls.filter((call) => call === 'insert').length).toBeGreaterThan(1);
  });

  it('give the same session after an answer of the store was lost', async () => {
    let lost = 0;
    store.fault = (method) => (method === 'insert' && lost++ === 0 ? 'lost' : 'none');
    const first = await idOf(keys, 's1').catch(() => 'unknown');
    expect(['s1', 'unknown']).toContain(first);
    expect(await idOf(process(), 's2')).toBe('s1');
    expect(rows()).toBe(1);
  });

  it('hold for a day across the turn of the period, and are free after it', async () => {
    expect(await idOf(keys, 's1')).toBe('s1');
    clock.advance(DAY - 1);
    expect(await idOf(keys, 's2')).toBe('s1');
    await expect(idOf(process(), 's3', { asked: 'other' })).rejects.toMatchObject({ code: 'id_conflict' });
    clock.advance(1);
    expect(await idOf(process(), 's4', { asked: 'other' })).toBe('s4');
    clock.advance(DAY - 1);
    expect(await idOf(keys, 's5', { asked: 'other' })).toBe('s4');
  });

  it('hold for a process whose clock shows another period', async () => {
    const late = new ManualClock(NOON - 13 * HOUR);
    expect(await idOf(keys, 's1')).toBe('s1');
    expect(await idOf(process(late), 's2')).toBe('s1');
  });
});
