import { chmodSync, closeSync, existsSync, fsyncSync, linkSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { makePrivateFolder, syncFolder } from '../../common/private-folder.js';

export const DATA_FILE = 'data.mdb';
export const LOCK_FILE = 'lock.mdb';
/** lmdb itself would let everybody read all messages. */
const OWNER_ONLY = 0o600;
/** Where no file can have two names, lmdb makes the file in its place. */
const WITHOUT_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EISDIR', 'EINVAL']);

/**
 * Makes the data file of a store that is new, whole and on the disk before it has its name. lmdb writes the first two
 * pages of a file without a sync: after a power loss then they could be there in part, and lmdb takes the process
 * down that opens such a file. And a name that is not on the disk itself would be lost with all behind it.
 */
export async function ensureDataFile(folder: string, make: (draft: string) => Promise<void>): Promise<void> {
  const made = makePrivateFolder(folder);
  if (!existsSync(join(folder, DATA_FILE))) await makeDataFile(folder, make);
  ensureLockFile(join(folder, LOCK_FILE));
  // Whoever made the file may not have come so far yet.
  syncFolders(folder, made === undefined ? folder : dirname(made));
}

async function makeDataFile(folder: string, make: (draft: string) => Promise<void>): Promise<void> {
  const draft = mkdtempSync(join(folder, 'new-'));
  try {
    await make(draft);
    chmodSync(join(draft, DATA_FILE), OWNER_ONLY);
    // Windows syncs no file that was opened to be read.
    syncFile(join(draft, DATA_FILE));
    linkSync(join(draft, DATA_FILE), join(folder, DATA_FILE));
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // Another process was first.
    if (code !== 'EEXIST' && !WITHOUT_LINKS.has(code)) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Never opens one that is there: closing it would take away the locks that this process has on it. */
function ensureLockFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', OWNER_ONLY));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function syncFolders(from: string, to: string): void {
  let folder = resolve(from);
  syncFolder(folder);
  while (folder !== resolve(to) && folder !== dirname(folder)) {
    folder = dirname(folder);
    syncFolder(folder);
  }
}

function syncFile(path: string): void {
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
