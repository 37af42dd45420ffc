import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ensureDataFile } from './data-file.js';
import { StoreFolder } from './testing/store-folder.js';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'data-file-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const dataFile = (): string => join(folder, 'data.mdb');
const writing = (text: string) => async (draft: string) => writeFileSync(join(draft, 'data.mdb'), text);

it('gives the file its name only when it is whole', async () => {
  await ensureDataFile(folder, async (draft) => {
    await writing('half')(draft);
    expect(existsSync(dataFile())).toBe(false);
    await writing('whole')(draft);
  });
  expect(readFileSync(dataFile(), 'utf8')).toBe('whole');
  expect(readdirSync(folder)).toEqual(['data.mdb', 'lock.mdb']);
});

it('leaves a file alone that is there', async () => {
  writeFileSync(dataFile(), 'old');
  await ensureDataFile(folder, () => Promise.reject(new Error('made again')));
  expect(readFileSync(dataFile(), 'utf8')).toBe('old');
});

it('keeps the file of the process that was first', async () => {
  await ensureDataFile(folder, async (draft) => {
    await writing('second')(draft);
    writeFileSync(dataFile(), 'first');
  });
  expect(readFileSync(dataFile(), 'utf8')).toBe('first');
  expect(readdirSync(folder)).toEqual(['data.mdb', 'lock.mdb']);
});

it('leaves nothing behind when the file cannot be made', async () => {
  const making = ensureDataFile(folder, () => Promise.reject(new Error('no room')));
  await expect(making).rejects.toThrow('no room');
  expect(readdirSync(folder)).toEqual([]);
});

it('a store opens beside the draft that a power loss left', async () => {
  const store = new StoreFolder();
  const left = mkdtempSync(join(store.dataDir, 'new-'));
  writeFileSync(join(left, 'data.mdb'), Buffer.alloc(8_192));
  expect((await store.open()).epoch()).not.toBe('');
  await store.remove();
});

it('a store makes its folder and its files for their owner alone', async () => {
  const store = new StoreFolder();
  const dataDir = join(store.dataDir, 'new');
  await store.open({ dataDir });
  const modes = [dataDir, join(dataDir, 'data.mdb'), join(dataDir, 'lock.mdb')].map((path) => statSync(path).mode);
  expect(modes.map((mode) => mode & 0o777)).toEqual([0o700, 0o600, 0o600]);
  await store.remove();
});
