import { afterEach, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { EmbeddedHealth } from './embedded-health.js';
import { StoreFolder } from './testing/store-folder.js';

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

it('refuses when it cannot look', async () => {
  const store = await folder.open();
  const health = await EmbeddedHealth.watch(store, () => Promise.reject(new Error('no such folder')));
  expect(health.problem()).toBe('the free space is unknown: no such folder');
});

it('finds room on the disk of this machine', async () => {
  const health = await EmbeddedHealth.watch(await folder.open({ minFreeBytes: 1 }));
  expect(health.problem()).toBeUndefined();
});
