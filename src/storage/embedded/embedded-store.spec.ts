import { open } from 'lmdb';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { NestLogger, createLogger } from '../../common/logging.js';
import { StoreUnavailable } from '../../modules/inbox/index.js';
import { logRow } from '../../modules/inbox/testing/index.js';
import { EmbeddedInboxLog } from './embedded-inbox-log.js';
import { StoreTooNew } from './environment.js';
import { StoreFolder } from './testing/store-folder.js';

let folder: StoreFolder;
beforeEach(() => void (folder = new StoreFolder()));
afterEach(() => folder.remove());

it('keeps its epoch until it is given another', async () => {
  const store = await folder.open();
  const first = store.epoch();
  expect(await store.newEpoch()).not.toBe(first);
  const second = store.epoch();
  expect(second).not.toBe(first);
  await folder.closeAll();
  expect(await new EmbeddedInboxLog(await folder.open()).epoch()).toBe(second);
});

it('refuses a store that a newer program wrote, and leaves it alone', async () => {
  await folder.open();
  await folder.closeAll();
  const root = open({ path: folder.dataDir, maxDbs: 32, overlappingSync: false });
  await root.openDB({ name: 'meta', encoding: 'json' }).put('schema', 99);
  await root.close();
  await expect(folder.open()).rejects.toThrow(StoreTooNew);
  await expect(folder.open()).rejects.toThrow(/schema 99, this program knows up to 1/);
});

it('makes its folder, for its owner alone', async () => {
  const { dataDir } = folder;
  const store = await folder.open({ dataDir: `${dataDir}/deep/er` });
  expect(store.epoch()).not.toBe('');
});

it('opens beside a store of the same folder that is busy', async () => {
  const log = new EmbeddedInboxLog(await folder.open({ mergeRows: 5, mergeChunk: 2 }));
  const writer = { isOver: false };
  const writing = (async () => {
    for (let n = 1; !writer.isOver; n++) expect(await log.insert([logRow('n:a', n)])).toEqual({ inserted: 1 });
  })();
  for (let i = 0; i < 5; i++) await folder.open();
  writer.isOver = true;
  await writing;
});

function failAsLmdb(): never {
  throw Object.assign(new Error('MDB_CORRUPTED: Located page was wrong type'), { code: -30_796 });
}

it('a read that lmdb fails at is unavailable, and is told, but not each one', async () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  Logger.overrideLogger(new NestLogger(createLogger({ level: 'info', pretty: false, destination })));
  const clock = new ManualClock();
  const store = await folder.open({ clock });
  for (let count = 0; count < 3; count += 1) expect(() => store.read(failAsLmdb)).toThrow(StoreUnavailable);
  clock.advance(10_000);
  expect(() => store.read(failAsLmdb)).toThrow(StoreUnavailable);
  Logger.overrideLogger(true);
  const told = lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
  expect(told).toEqual([
    'a read failed: MDB_CORRUPTED: Located page was wrong type',
    'a read failed, and 2 before it that were not told: MDB_CORRUPTED: Located page was wrong type',
  ]);
});

it('a read that the program fails at shows that error', async () => {
  const store = await folder.open();
  const fault = new TypeError('row is undefined');
  const fail = (): never => {
    throw fault;
  };
  expect(() => store.read(fail)).toThrow(fault);
});
