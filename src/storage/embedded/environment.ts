import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Database, type Key, open, type RootDatabase } from 'lmdb';
import { requireStoreFile } from './data-file-check.js';
import { ensureDataFile } from './data-file.js';

/** Raised with each change that an older program cannot read. */
export const SCHEMA_VERSION = 1;
const MAX_TABLES = 32;
/** Address space, not memory: lmdb never has to map anew. Windows would make the file that large. */
const MAP_BYTES = process.platform === 'win32' || process.arch.endsWith('32') ? undefined : 2 ** 40;
const JSON_TABLES = [
  'connections',
  'connection-nodes',
  'end-orders',
  'end-order-ends',
  'nodes',
  'server-nodes',
  'validation-keys',
  'validation-key-ends',
  'seats',
  'open-entries',
  'groups',
  'stays',
  'stay-ends',
  'stays-by-node',
  'aliases',
] as const;
const BINARY_TABLES = ['journal', 'places', 'keys', 'logs', 'marks'] as const;

export type JsonTable = (typeof JSON_TABLES)[number];
export type BinaryTable = Database<Buffer, Buffer>;
/** Opens a table of bytes under bytes. */
export type BinaryTables = (name: (typeof BINARY_TABLES)[number]) => BinaryTable;
/** What is kept of the store itself. */
export type Meta = Database<unknown, string>;

/** The store was written by a newer program than this one. */
export class StoreTooNew extends Error {
  override readonly name = 'StoreTooNew';
}

/** One LMDB environment with all its tables open, and what is to be known about lmdb. */
export class Environment {
  private readonly tables = new Map<string, Database<never, never>>();

  private constructor(
    private readonly root: RootDatabase,
    readonly meta: Meta,
  ) {
    for (const name of JSON_TABLES) this.tables.set(name, root.openDB({ name, encoding: 'json' }));
    for (const name of BINARY_TABLES) {
      this.tables.set(name, root.openDB({ name, encoding: 'binary', keyEncoding: 'binary' }));
    }
  }

  /**
   * Opens or makes it. Each table is opened with the write lock held and this thread blocked, therefore all at once
   * and here. Throws `StoreTooNew` or `NotAStore` before anything is written when a newer program or another one wrote it.
   */
  static async open(path: string): Promise<Environment> {
    await ensureDataFile(path, (draft) => openRoot(draft).close());
    requireStoreFile(path);
    const root = openRoot(path);
    const meta: Meta = root.openDB({ name: 'meta', encoding: 'json' });
    const schema = Number(meta.get('schema') ?? SCHEMA_VERSION);
    if (schema <= SCHEMA_VERSION) return new Environment(root, meta);
    void root.close();
    throw new StoreTooNew(`${path} has schema ${schema}, this program knows up to ${SCHEMA_VERSION}: use a newer one`);
  }

  /** A table of JSON values. */
  json<V, K extends Key = string>(name: JsonTable): Database<V, K> {
    return this.tables.get(name) as unknown as Database<V, K>;
  }

  readonly binary: BinaryTables = (name) => this.tables.get(name) as unknown as BinaryTable;

  /** Runs the callback inside one write transaction; resolves when that is on the disk. One at a time. */
  transact(callback: () => void): Promise<void> {
    return this.root.transaction(callback).catch(rethrow);
  }

  /** The next read sees all that is on the disk; otherwise reads of one turn of the event loop share a snapshot. */
  refresh(): void {
    this.root.resetReadTxn();
  }

  close(): Promise<void> {
    return this.root.close();
  }
}

function openRoot(path: string): RootDatabase {
  return open({
    path,
    // lmdb would take a folder with a dot in its name for a file.
    noSubdir: false,
    maxDbs: MAX_TABLES,
    // With overlapping syncs another process could read, and deliver, what is not on the disk yet.
    overlappingSync: false,
    // One instruction a transaction: with turn batching a failed commit rejects a promise that nobody holds.
    eventTurnBatching: false,
    ...(MAP_BYTES ? { mapSize: MAP_BYTES } : {}),
  });
}

/**
 * lmdb hands out the reason of a failed commit as a second promise, which would end the process as unhandled; it is
 * rejected in the same turn as the first, or never.
 */
async function rethrow(error: Error & { commitError?: Promise<never> }): Promise<never> {
  const reason = (error.commitError ?? Promise.reject(error)).catch((cause: Error) => cause);
  throw await Promise.race([reason, nextTurn(error)]);
}
