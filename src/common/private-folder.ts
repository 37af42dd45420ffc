import { closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

const OWNER_ONLY = 0o700;

/**
 * Makes a folder that nobody but its owner can enter, and those above it that are missing; one that is there is left as
 * it is. Answers the topmost that was made. The new names are on the disk when it returns. Throws the error of the
 * system. (The recursive making of Node.js itself never ends where nothing can be made, as below /proc.)
 */
export function makePrivateFolder(path: string): string | undefined {
  const folder = resolve(path);
  if (isMade(folder)) return undefined;
  const above = makePrivateFolder(dirname(folder));
  try {
    mkdirSync(folder, OWNER_ONLY);
  } catch (error) {
    // Another process was faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  syncFolder(dirname(folder));
  return above ?? folder;
}

/** Puts the names in a folder on the disk. */
export function syncFolder(path: string): void {
  // Windows syncs no folders.
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function isMade(folder: string): boolean {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined || found.isDirectory()) return found !== undefined;
  throw Object.assign(new Error(`ENOTDIR: not a directory, mkdir '${folder}'`), {
    code: 'ENOTDIR',
    syscall: 'mkdir',
    path: folder,
  });
}
