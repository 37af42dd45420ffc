import { randomBytes } from 'node:crypto';
import { constants, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makePrivateFolder, syncFolder } from '../../common/private-folder.js';
import { AuthSetupFault } from './auth.errors.js';
import { SECRET_BYTES } from './pinned-key.js';

const OWNER_ONLY = 0o600;
const OTHERS = 0o077;
const LINE_BYTES = 4_096;

/**
 * The secret in this file, which is made on the first start (mode 0600, 32 random bytes as base64url). Processes that
 * start at once agree: each appends a line when it finds none, and for all of them the first line counts. That also
 * heals the empty file of a maker that crashed. `warn` is told when others may read the file.
 */
export async function loadOrMakeSecret(path: string, warn: (text: string) => void = () => {}): Promise<string> {
  makePrivateFolder(dirname(path));
  const file = (await createNew(path)) ?? (await openReadable(path));
  try {
    await warnIfOpen(file, path, warn);
    const secret = (await firstLine(file)) ?? (await makeSecret(path));
    if (Buffer.byteLength(secret) >= SECRET_BYTES) return secret;
  } finally {
    await file.close();
  }
  throw new AuthSetupFault('secretFile', `${path} must begin with a line of at least ${SECRET_BYTES} bytes`);
}

async function createNew(path: string): Promise<FileHandle | undefined> {
  const { O_RDWR, O_APPEND, O_CREAT, O_EXCL } = constants;
  try {
    return await open(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL, OWNER_ONLY);
  } catch (error) {
    if (isCode(error, 'EEXIST')) return undefined;
    throw error;
  }
}

function openReadable(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY);
}

async function warnIfOpen(file: FileHandle, path: string, warn: (text: string) => void): Promise<void> {
  const { mode } = await file.stat();
  if (process.platform !== 'win32' && (mode & OTHERS) !== 0) {
    warn(`${path} holds a secret and others may read or write it: chmod 600 ${path}`);
  }
}

/** Adds a line at the end, in one write; another process may have been faster, so the first line is what counts. */
async function makeSecret(path: string): Promise<string> {
  const file = await open(path, constants.O_RDWR | constants.O_APPEND);
  try {
    await file.write(`${randomBytes(SECRET_BYTES).toString('base64url')}\n`);
    await file.sync();
    // Without it a power cut could lose the new name, and with it every key that was signed since.
    syncFolder(dirname(path));
    return (await firstLine(file)) ?? '';
  } finally {
    await file.close();
  }
}

async function firstLine(file: FileHandle): Promise<string | undefined> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(LINE_BYTES), 0, LINE_BYTES, 0);
  const [line = ''] = buffer.toString('utf8', 0, bytesRead).trimStart().split(/\r?\n/, 1);
  return line.trim() || undefined;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}
