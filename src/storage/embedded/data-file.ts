import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const DATA_FILE = 'data.mdb';
/** Where no file can have two names, lmdb makes the file in its place. */
const WITHOUT_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EISDIR', 'EINVAL']);

/**
 * Makes the data file of a store that is new, whole and on the disk before it has its name. lmdb writes the first two
 * pages of a file without a sync: after a power loss then they could be there in part, and lmdb takes the process
 * down that opens such a file. And a name that is not on the disk itself would be lost with all behind it.
 */
export async function ensureDataFile(folder: string, make: (draft: string) => Promise<void>): Promise<void> {
  const made = mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!existsSync(join(folder, DATA_FILE))) await makeDataFile(folder, make);
  // Whoever made the file may not have come so far yet.
  syncFolders(folder, made === undefined ? folder : dirname(made));
}

async function makeDataFile(folder: string, make: (draft: string) => Promise<void>): Promise<void> {
  const draft = mkdtempSync(join(folder, 'new-'));
  try {
    await make(draft);
    // Windows syncs no file that was opened to be read.
    sync(join(draft, DATA_FILE), 'r+');
    linkSync(join(draft, DATA_FILE), join(folder, DATA_FILE));
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // Another process was first.
    if (code !== 'EEXIST' && !WITHOUT_LINKS.has(code)) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function syncFolders(from: string, to: string): void {
  // Windows syncs no folders.
  if (process.platform === 'win32') return;
  let folder = resolve(from);
  sync(folder, 'r');
  while (folder !== resolve(to) && folder !== dirname(folder)) {
    folder = dirname(folder);
    sync(folder, 'r');
  }
}

function sync(path: string, flags: string): void {
  const file = openSync(path, flags);
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
