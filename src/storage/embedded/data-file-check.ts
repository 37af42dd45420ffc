import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { DATA_FILE } from './data-file.js';

const MAGIC = 0xbeefc0de;
const VERSION = 2;
const META_BYTES = 160;
const PAGE_SIZES = [512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 65_536];
/** Offsets within a page that describes the file, as lmdb lays it out where an address has 64 bits. */
const AT = { magic: 24, version: 28, pageSize: 48, freeRoot: 88, mainRoot: 136, transaction: 152 } as const;
const OTHER_LAYOUT = ['arm', 'ia32'].includes(process.arch);
const NO_ROOT = 2n ** 64n - 1n;

/** The data file is that of another program, of another version of lmdb, or broken. */
export class NotAStore extends Error {
  override readonly name = 'NotAStore';
}

/**
 * Throws `NotAStore` when lmdb would take the process down for the file, without a word, and the system's error when the
 * file cannot be read and written. A file that is not there, or is empty, is none yet.
 */
export function requireStoreFile(folder: string): void {
  const path = join(folder, DATA_FILE);
  const fault = faultOf(path);
  if (fault !== undefined) throw new NotAStore(`${path} is not an Allspark store: ${fault}`);
}

function faultOf(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return fstatSync(file).size === 0 || OTHER_LAYOUT ? undefined : faultOfPages(file);
  } finally {
    closeSync(file);
  }
}

/** The first two pages describe the file, the one that was written later counts. */
function faultOfPages(file: number): string | undefined {
  const first = pageAt(file, 0);
  if (first.readUInt32LE(AT.magic) !== MAGIC) return 'another program wrote it, or its beginning is lost';
  const version = first.readUInt16LE(AT.version);
  if (version !== VERSION) return `its format is ${version}, and not ${VERSION}`;
  const pageSize = first.readUInt32LE(AT.pageSize);
  if (!PAGE_SIZES.includes(pageSize)) return 'its beginning is broken';
  const second = pageAt(file, pageSize);
  if (second.readUInt32LE(AT.magic) !== MAGIC) return 'its beginning is broken, or its end is lost';
  const newest = second.readBigUInt64LE(AT.transaction) > first.readBigUInt64LE(AT.transaction) ? second : first;
  const roots = [AT.freeRoot, AT.mainRoot].map((at) => newest.readBigUInt64LE(at)).filter((page) => page !== NO_ROOT);
  // Asked last, for another process may be writing.
  const { size } = fstatSync(file);
  const isWhole = roots.every((page) => (page + 1n) * BigInt(pageSize) <= BigInt(size));
  return isWhole ? undefined : 'its end is lost';
}

/** Zeros where the file has ended. */
function pageAt(file: number, position: number): Buffer {
  const page = Buffer.alloc(META_BYTES);
  readSync(file, page, 0, page.length, position);
  return page;
}
