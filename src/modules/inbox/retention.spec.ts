import { beforeEach, describe, expect, it } from 'vitest';
import { FakeInboxLog } from '../../../test/support/fake-inbox-log.js';
import { ManualClock } from '../../common/clock.js';
import { StoreUnavailable } from './inbox-log.js';
import { Retention } from './retention.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const LOG = 'n:a';
const SETTINGS = { ageMs: 30 * DAY, ackedKeepMs: DAY, ackedKeepMessages: 1_000, dedupeMs: DAY };

let store: FakeInboxLog;
let clock: ManualClock;
let retention: Retention;

function fill(count: number): void {
  for (let n = 0; n < count; n += 1) store.slip(LOG, { key: `k${store.rowsOf(LOG).length}`, at: clock.now() });
}

function acknowledge(n: number): void {
  const row = store.rowsOf(LOG).find((each) => each.n === n);
  store.setMarks(LOG, { acked: n, ...(row && { ackedTotals: row.totals }) });
}

const floor = (): number => store.marksNow(LOG).floor;
const bodies = (): string =>
  store
    .rowsOf(LOG)
    .map(({ n, body }) => `${n}${body === '' ? '-' : '+'}`)
    .join(' ');

beforeEach(() => {
  store = new FakeInboxLog();
  clock = new ManualClock();
  retention = new Retention(store, SETTINGS, clock);
});

describe('Retention', () => {
  it('keeps what nobody acknowledged for the inbox age and one day more', async () => {
    fill(2);
    clock.advance(31 * DAY);
    await retention.collect(LOG);
    expect(floor()).toBe(1);
    clock.advance(1);
    await retention.collect(LOG);
    expect(floor()).toBe(3);
  });

  it('keeps what was acknowledged readable for a day', async () => {
    fill(3);
    acknowledge(2);
    clock.advance(DAY);
    await retention.collect(LOG);
    expect(floor()).toBe(1);
    clock.advance(1);
    await retention.collect(LOG);
    expect([floor(), bodies()]).toEqual([3, '1- 2- 3+']);
  });

  it('keeps at most a thousand of the acknowledged', async () => {
    fill(1_005);
    acknowledge(1_003);
    await retention.collect(LOG);
    expect(floor()).toBe(4);
    expect(store.rowsOf(LOG)[3]?.body).not.toBe('');
    expect(store.marksNow(LOG).floorTotals.count).toBe(3);
  });

  it('leaves a tombstone for the dedupe window and an hour', async () => {
    fill(2);
    acknowledge(2);
    clock.advance(DAY + HOUR);
    await retention.collect(LOG);
    expect(bodies()).toBe('1- 2-');
    clock.advance(1);
    await retention.collect(LOG);
    expect(bodies()).toBe('2-');
  });

  it('collects in a round what falls to this process, and looks at nothing else', async () => {
    for (const log of ['n:mine', 'n:theirs']) store.slip(log, { key: 'k', at: clock.now() });
    clock.advance(31 * DAY + 1);
    const round = new Retention(store, SETTINGS, clock, (log) => log === 'n:mine').round();
    for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
    clock.advance(1_000);
    await round;
    expect([store.marksNow('n:mine').floor, store.marksNow('n:theirs').floor]).toEqual([2, 1]);
    expect(store.calls.filter((call) => call === 'marks')).toHaveLength(1);
  });

  it('keeps the newest row for ever, although the floor passes it', async () => {
    fill(3);
    acknowledge(3);
    clock.advance(400 * DAY);
    await retention.collect(LOG);
    expect([floor(), bodies()]).toEqual([4, '3-']);
    await retention.collect(LOG);
    expect([floor(), bodies()]).toEqual([4, '3-']);
  });

  it('raises the floor before it drops anything', async () => {
    fill(2);
    acknowledge(2);
    clock.advance(2 * DAY);
    await retention.collect(LOG);
    const order = store.calls.filter((call) => ['raiseFloor', 'dropBodies', 'removeRows'].includes(call));
    expect([...new Set(order)]).toEqual(['raiseFloor', 'dropBodies', 'removeRows']);
    expect(order.lastIndexOf('raiseFloor')).toBeLessThan(order.indexOf('dropBodies'));
  });

  it('drops nothing when the floor could not be raised', async () => {
    fill(2);
    acknowledge(2);
    clock.advance(2 * DAY);
    store.failNext('raiseFloor', 'before');
    await expect(retention.collect(LOG)).rejects.toThrow(StoreUnavailable);
    expect(bodies()).toBe('1+ 2+');
  });

  it('goes over all logs, also when the store is away in between', async () => {
    for (let index = 0; index < 150; index += 1) store.slip(`n:${index}`, { key: 'k', at: clock.now() }, { key: 'l' });
    for (let index = 0; index < 150; index += 1) store.setMarks(`n:${index}`, { acked: 1 });
    const running = retention.start();
    store.away = true;
    clock.advance(DAY + 1);
    await new Promise(setImmediate);
    store.away = false;
    for (let step = 0; step < 2_000; step += 1) {
      clock.advance(1_000);
      await new Promise(setImmediate);
    }
    running.cancel();
    const floors = new Set(Array.from({ length: 150 }, (_, index) => store.marksNow(`n:${index}`).floor));
    expect([...floors]).toEqual([2]);
    expect(clock.waiting).toBe(0);
  });

  it('keeps what a key of a creation led to for an hour longer than repeats are known', async () => {
    const creations = 'i:a';
    for (const key of ['k1', 'k2']) store.slip(creations, { key, at: clock.now() });
    clock.advance(DAY + HOUR);
    await retention.collect(creations);
    expect(store.rowsOf(creations).map(({ body }) => body === '')).toEqual([false, false]);
    clock.advance(1);
    await retention.collect(creations);
    expect(store.rowsOf(creations).map(({ n, body }) => [n, body])).toEqual([[2, '']]);
  });
});
