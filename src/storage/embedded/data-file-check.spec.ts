import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { logRow } from '../../modules/inbox/testing/index.js';
import { NotAStore, requireStoreFile } from './data-file-check.js';
import { EmbeddedInboxLog } from './embedded-inbox-log.js';
import { StoreFolder } from './testing/store-folder.js';

const PAGE = 4_096;
let folder: StoreFolder;
let path: string;

beforeEach(async () => {
  folder = new StoreFolder();
  path = join(folder.dataDir, 'data.mdb');
  await new EmbeddedInboxLog(await folder.open()).insert([logRow('n:a', 1)]);
  await folder.closeAll();
});
afterEach(() => folder.remove());

const spoil = (change: (bytes: Buffer) => void): void => {
  const bytes = readFileSync(path);
  change(bytes);
  writeFileSync(path, bytes);
};

describe('the data file', () => {
  it('is opened when a store wrote it, when it is empty, and when it is not there', async () => {
    expect(() => requireStoreFile(folder.dataDir)).not.toThrow();
    writeFileSync(path, '');
    expect(() => requireStoreFile(folder.dataDir)).not.toThrow();
    expect(() => requireStoreFile(join(folder.dataDir, 'nowhere'))).not.toThrow();
    expect((await folder.open()).epoch()).not.toBe('');
  });

  it.each([
    ['text', () => writeFileSync(path, 'name,number\n'.repeat(1_000))],
    ['a few bytes', () => writeFileSync(path, 'x')],
    ['zeros', () => writeFileSync(path, Buffer.alloc(4 * PAGE))],
    ['a store of another format', () => spoil((bytes) => bytes.writeUInt16LE(1, 28))],
    ['a store whose second page is broken', () => spoil((bytes) => bytes.fill('x', PAGE, 2 * PAGE))],
    ['the first page of a store', () => truncateSync(path, PAGE)],
    ['a store whose end is lost', () => truncateSync(path, 2 * PAGE)],
  ])('is refused, and not opened, when it is %s', async (_what, make) => {
    make();
    const before = readFileSync(path);
    await expect(folder.open()).rejects.toThrow(NotAStore);
    await expect(folder.open()).rejects.toThrow(`${path} is not an Allspark store`);
    expect(readFileSync(path)).toEqual(before);
  });
});

it('a folder may have a dot in its name', async () => {
  const dataDir = join(folder.dataDir, 'data.v1');
  expect((await folder.open({ dataDir })).epoch()).not.toBe('');
});
