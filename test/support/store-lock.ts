import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Begins a write transaction that changes nothing, and ends it when its input ends. */
const HOLDER = `
import { ABORT, open } from 'lmdb';
import { readSync, writeSync } from 'node:fs';
const root = open({ path: process.argv[1], maxDbs: 32, mapSize: 2 ** 40, overlappingSync: false });
root.transactionSync(() => {
  writeSync(1, 'held');
  try { readSync(0, Buffer.alloc(1)); } catch {}
  return ABORT;
});
process.exit(0);
`;

/**
 * Holds the write lock of an embedded store from another process, as a slow disk or a stuck neighbour does: until the
 * answered function is called nothing is written, while reads go on.
 */
export async function holdStore(dataDir: string): Promise<() => Promise<void>> {
  const holder = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, dataDir], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(holder, 'exit');
  await Promise.race([
    once(holder.stdout, 'data'),
    exited.then(() => Promise.reject(new Error('the lock was not taken'))),
  ]);
  return async () => {
    holder.stdin.end();
    await exited;
  };
}
