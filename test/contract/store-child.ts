import { existsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { inboxLogOf, sessionLogOf, StoreUnavailable } from '../../src/modules/inbox/index.js';
import { logRow } from '../../src/modules/inbox/testing/log-rows.js';
import { EmbeddedInboxLog } from '../../src/storage/embedded/embedded-inbox-log.js';
import { EmbeddedStore } from '../../src/storage/embedded/embedded-store.js';

/*
 * Another process at the same store, doing what its arguments say: <folder> <what> [name] [rows]. It tells by one line
 * on standard output for each thing that it is sure of.
 */
const [dataDir = '', what = '', name = '', rows = '0'] = process.argv.slice(3);
const A = inboxLogOf('a');
const tell = (line: string): void => void writeSync(1, `${line}\n`);

process.on('unhandledRejection', (error) => tell(`unhandled ${String(error)}`));
const alive = setInterval(() => undefined, 1_000);
const store = await EmbeddedStore.open({ dataDir, mergeRows: 100, mergeChunk: 10 });
const log = new EmbeddedInboxLog(store);
tell('open');

/** Appends as writers do that know of each other only by conflicts. */
async function compete(): Promise<void> {
  for (let i = 0; i < Number(rows);) {
    const n = ((await log.newest([A]))[0]?.n ?? 0) + 1;
    const { inserted } = await log.insert([logRow(A, n, { key: `${name}-${i}` })]);
    i += inserted;
  }
}

/** Stores until it is killed. */
async function pour(): Promise<never> {
  for (let n = 1; ; n += 4) {
    const { inserted } = await log.insert([0, 1, 2, 3].map((i) => logRow(A, n + i)));
    tell(`stored ${n + inserted - 1}`);
  }
}

/** Stores entries of a group that nobody drives, until it is killed. */
async function begin(): Promise<never> {
  for (let n = 1; ; n += 4) {
    const entries = [0, 1, 2, 3].map((i) => logRow(sessionLogOf('g'), n + i, { open: true }));
    tell(`stored ${n - 1 + (await log.insert(entries)).inserted}`);
  }
}

/** Sits inside a write transaction until there is a certain file. */
async function hoard(): Promise<void> {
  await store.writes.run(1, () => {
    tell('locked');
    const bell = new Int32Array(new SharedArrayBuffer(4));
    while (!existsSync(join(dataDir, 'go-on'))) Atomics.wait(bell, 0, 0, 10);
  });
}

/** Stores until that fails. */
async function overfill(): Promise<void> {
  store.writes.onFatal(() => tell('fatal'));
  for (let n = 1; await isStored(n); n++) tell(`stored ${n}`);
  await log.raiseFloor(A, 1, { count: 0, bytes: 0 }).catch((error: Error) => tell(`later ${error.name}`));
}

async function isStored(n: number): Promise<boolean> {
  try {
    return (await log.insert([logRow(A, n, { body: 'x'.repeat(10_000) })])).inserted === 1;
  } catch (error) {
    tell(error instanceof StoreUnavailable ? 'refused' : `failed ${String(error)}`);
    return false;
  }
}

const tasks: Record<string, () => Promise<void>> = { compete, pour, begin, hoard, overfill };
await tasks[what]?.();
await store.close();
clearInterval(alive);
tell('end');
