import { mkdirSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Database, type Key, open, type RootDatabase } from 'lmdb';
import { randomId } from '../../common/ids.js';
import { StoreUnavailable } from '../../modules/inbox/index.js';
import { Journal } from './journal.js';
import { Merger } from './merger.js';
import { type EmbeddedOptions, type EmbeddedSettings, settingsOf } from './settings.js';
import { WriteQueue } from './write-queue.js';

/** Raised with each change that an older program cannot read. */
const SCHEMA_VERSION = 1;
const MAX_TABLES = 32;
/** Address space, not memory: lmdb never has to map anew. Windows would make the file that large. */
const MAP_BYTES = process.platform === 'win32' || process.arch.endsWith('32') ? undefined : 2 ** 40;

/** The store was written by a newer program than this one. */
export class StoreTooNew extends Error {
  override readonly name = 'StoreTooNew';
}

/** One LMDB environment in a folder, and the one queue that writes to it. */
export class EmbeddedStore {
  readonly writes: WriteQueue;
  readonly journal: Journal;
  readonly merger: Merger;
  private closed: Promise<void> | undefined;

  private constructor(
    private readonly root: RootDatabase,
    private readonly meta: Database<string | number, string>,
    readonly settings: EmbeddedSettings,
  ) {
    this.journal = new Journal((name) => this.binaryTable(name), this.meta as Database<number, string>);
    this.writes = new WriteQueue(
      {
        transact: (callback) => settle(this.root.transaction(callback)),
        begin: () => this.journal.begin(),
        end: () => this.journal.end(),
        committed: () => this.afterCommit(),
      },
      settings,
    );
    this.merger = new Merger(this.journal, this.writes, settings);
  }

  /**
   * Opens the store, making it when it is not there. Throws `StoreTooNew` before anything is written when a newer
   * program wrote it. Finished when the part of the journal that the index lacks has been read.
   */
  static async open(options: EmbeddedOptions): Promise<EmbeddedStore> {
    const settings = settingsOf(options);
    mkdirSync(settings.dataDir, { recursive: true, mode: 0o700 });
    const root = openEnvironment(settings.dataDir);
    const meta = root.openDB<string | number, string>({ name: 'meta', encoding: 'json' });
    await checkSchema(root, meta);
    const store = new EmbeddedStore(root, meta, settings);
    try {
      await store.claim();
      store.read(() => undefined);
      store.merger.start();
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** A table of JSON values. */
  table<V, K extends Key = string>(name: string): Database<V, K> {
    return this.root.openDB<V, K>({ name, encoding: 'json' });
  }

  /** A table of bytes under bytes. */
  binaryTable(name: string): Database<Buffer, Buffer> {
    return this.root.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' });
  }

  /** Reads at the newest durable state, the index included. Throws `StoreUnavailable` on a closed or broken store. */
  read<T>(work: () => T): T {
    if (this.closed) throw new StoreUnavailable('the store is closed');
    try {
      this.root.resetReadTxn();
      this.journal.catchUp();
      return work();
    } catch (error) {
      throw new StoreUnavailable('the store could not be read', { cause: error });
    }
  }

  /** Names this history. */
  epoch(): string {
    return this.read(() => String(this.meta.get('epoch')));
  }

  /** Begins another history, as after a restore from a backup; answers its name. Durable when it resolves. */
  newEpoch(): Promise<string> {
    const epoch = randomId();
    return this.writes.run(1, () => {
      void this.meta.put('epoch', epoch);
      return epoch;
    });
  }

  get isClosed(): boolean {
    return this.closed !== undefined;
  }

  /** Finishes what was begun, refuses everything else. */
  close(): Promise<void> {
    return (this.closed ??= this.shut());
  }

  private async shut(): Promise<void> {
    this.merger.stop();
    // An environment with a transaction that waits for another process cannot be closed; the process's end does it.
    if (await this.writes.close()) await this.root.close();
  }

  private afterCommit(): void {
    this.journal.committed();
    this.merger.rowsCommitted();
  }

  private claim(): Promise<void> {
    return this.writes.run(1, () => {
      if (this.meta.get('schema') !== undefined) return;
      void this.meta.put('schema', SCHEMA_VERSION);
      void this.meta.put('epoch', randomId());
    });
  }
}

async function checkSchema(root: RootDatabase, meta: Database<string | number, string>): Promise<void> {
  const schema = Number(meta.get('schema') ?? SCHEMA_VERSION);
  if (schema <= SCHEMA_VERSION) return;
  await root.close();
  throw new StoreTooNew(
    `the store has schema ${schema}, this program reads up to ${SCHEMA_VERSION}: update the program`,
  );
}

function openEnvironment(path: string): RootDatabase {
  return open({
    path,
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
function settle(transaction: Promise<unknown>): Promise<void> {
  return transaction.then(
    () => undefined,
    async (error: Error & { commitError?: Promise<never> }) => {
      const reason = (error.commitError ?? Promise.reject(error)).catch((cause: Error) => cause);
      throw await Promise.race([reason, nextTurn(error)]);
    },
  );
}
