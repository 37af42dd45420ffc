import { afterEach, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { logRow } from '../../modules/inbox/testing/index.js';
import { EmbeddedHealth } from './embedded-health.js';
import { EmbeddedInboxLog } from './embedded-inbox-log.js';
import { StoreFolder } from './testing/store-folder.js';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const folder = new StoreFolder();
afterEach(() => folder.closeAll());

async function problemWith(free: number, total: number): Promise<string | undefined> {
  const health = await EmbeddedHealth.watch(await folder.open(), async () => ({ free, total }));
  return health.problem();
}

it('refuses below 1 GiB on a large disk', async () => {
  expect(await problemWith(GIB, 1_000 * GIB)).toBeUndefined();
  expect(await problemWith(GIB - 1, 1_000 * GIB)).toContain('1023 MiB free, 1024 MiB needed');
});

it('refuses below 10 % on a small disk', async () => {
  expect(await problemWith(GIB / 10, GIB)).toBeUndefined();
  expect(await problemWith(GIB / 10 - 1, GIB)).toContain('almost full');
});

it('looks again each second', async () => {
  const clock = new ManualClock();
  let looks = 0;
  const measure = async () => ({ free: (looks += 1), total: GIB });
  const health = await EmbeddedHealth.watch(await folder.open({ clock }), measure);
  clock.advance(3_000);
  expect(looks).toBe(4);
  health.stop();
  clock.advance(3_000);
  expect(looks).toBe(4);
});

it('looks again when much was written since', async () => {
  const store = await folder.open();
  const log = new EmbeddedInboxLog(store);
  const disk = { free: 100 * MIB };
  const health = await EmbeddedHealth.watch(store, async () => ({ free: disk.free, total: 100 * MIB }));
  await log.insert([logRow('n:w', 1, { body: 'x'.repeat(8 * MIB) })]);
  disk.free = MIB;
  await log.insert([logRow('n:w', 2)]);
  expect(health.problem()).toBeUndefined();
  await log.insert([logRow('n:w', 3, { body: 'x'.repeat(8 * MIB) })]);
  await log.insert([logRow('n:w', 4)]);
  expect(health.problem()).toContain('almost full');
});

it('refuses when it cannot look', async () => {
  const store = await folder.open();
  const health = await EmbeddedHealth.watch(store, () => Promise.reject(new Error('no such folder')));
  expect(health.problem()).toBe('the free space is unknown: no such folder');
});

it('tells of a write that waits, and goes on taking messages meanwhile', async () => {
  const clock = new ManualClock();
  const store = await folder.open({ clock });
  const health = await EmbeddedHealth.watch(store, async () => ({ free: GIB, total: GIB }));
  const release = await store.writes.hold();
  const inserted = new EmbeddedInboxLog(store).insert([logRow('n:slow', 1)]);
  clock.advance(999);
  expect(health.slowness()).toBeUndefined();
  clock.advance(1);
  expect(health.slowness()).toBe('a write has been waiting for 1 s');
  expect(health.problem()).toBeUndefined();
  release();
  await inserted;
  expect(health.slowness()).toBeUndefined();
});

it('finds room on the disk of this machine', async () => {
  const health = await EmbeddedHealth.watch(await folder.open({ minFreeBytes: 1 }));
  expect(health.problem()).toBeUndefined();
});
