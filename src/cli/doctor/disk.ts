import { existsSync } from 'node:fs';
import { mkdtemp, open, rm, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ResolvedSettings } from '../../config/load-config.js';
import { storeSlice } from '../../config/slices.js';
import { NotAStore, requireStoreFile } from '../../storage/embedded/data-file-check.js';
import { codeOf } from '../failure.js';
import { failing, fine, warning, type Finding } from './finding.js';

const ROUNDS = 20;
const BLOCK = Buffer.alloc(4_096, 'x');
const SLOW_SYNC_MS = 20;
const GIB = 2 ** 30;

/** The data directory, or the nearest directory above it that is there already: `start` makes the rest. */
export function nearestDirectory(path: string): string {
  let place = resolve(path);
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  return place;
}

/** Writes and syncs as the store does, in a folder of its own that is taken away again. */
export async function lookAtStore({ DATA_DIR, MONGODB_URI }: ResolvedSettings): Promise<Finding> {
  const place = nearestDirectory(DATA_DIR);
  const where = existsSync(DATA_DIR) ? DATA_DIR : `${DATA_DIR} (not made yet; tried in ${place})`;
  try {
    if (MONGODB_URI === undefined) requireStoreFile(DATA_DIR);
    return judgeSync(await timeOfSyncs(place), where);
  } catch (error) {
    if (error instanceof NotAStore) return failing('store', error.message, 'move it away, or set DATA_DIR');
    const advice = 'make it writable for this user, or set DATA_DIR';
    return failing('store', `${where} cannot be written (${codeOf(error) ?? 'no reason told'})`, advice);
  }
}

export function judgeSync(durationsMs: readonly number[], where: string): Finding {
  const sorted = durationsMs.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const found = `${where}: a write and its sync take ${median.toFixed(2)} ms (worst ${sorted.at(-1)?.toFixed(2)} ms)`;
  if (median <= SLOW_SYNC_MS) return fine('store', found);
  return warning('store', found, 'every receipt waits for one: put DATA_DIR on a faster disk, not on a network share');
}

async function timeOfSyncs(place: string): Promise<readonly number[]> {
  const folder = await mkdtemp(join(place, '.doctor-'));
  try {
    const file = await open(join(folder, 'sync'), 'w');
    try {
      const durations: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const start = performance.now();
        await file.write(BLOCK);
        await file.datasync();
        durations.push(performance.now() - start);
      }
      return durations;
    } finally {
      await file.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function lookAtSpace(settings: ResolvedSettings): Promise<Finding> {
  const { bavail, blocks, bsize } = await statfs(nearestDirectory(settings.DATA_DIR));
  return judgeSpace(bavail * bsize, blocks * bsize, storeSlice(settings));
}

type Watermark = Pick<ReturnType<typeof storeSlice>, 'diskFreeBytes' | 'diskFreeFraction'>;

export function judgeSpace(freeBytes: number, totalBytes: number, watermark: Watermark): Finding {
  const { diskFreeBytes, diskFreeFraction } = watermark;
  const needed = Math.min(diskFreeBytes, diskFreeFraction * totalBytes);
  const found = `${inGib(freeBytes)} of ${inGib(totalBytes)} GiB free`;
  const effect = `below ${inGib(needed)} GiB durable messages are refused: make room`;
  if (freeBytes < needed) return failing('disk space', found, effect);
  return freeBytes < 2 * needed ? warning('disk space', found, effect) : fine('disk space', found);
}

const inGib = (bytes: number): string => (bytes / GIB).toFixed(1);
