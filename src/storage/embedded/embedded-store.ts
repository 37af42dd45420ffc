import { resolve } from 'node:path';
import type { Database, Key } from 'lmdb';
import { randomId } from '../../common/ids.js';
import { StoreUnavailable } from '../../modules/inbox/index.js';
import { type BinaryTables, Environment, type JsonTable, SCHEMA_VERSION } from './environment.js';
import { Journal } from './journal.js';
import { Merger } from './merger.js';
import { isOfLmdb, ReadFaults } from './read-faults.js';
import { type EmbeddedOptions, type EmbeddedSettings, settingsOf } from './settings.js';
import { WriteQueue } from './write-queue.js';

/** The stores that are open in this process, and the opening that is under way. */
const openStores = new Set<EmbeddedStore>();
let opening: Promise<unknown> = Promise.resolve();

/** A store in a folder, and the one queue that writes to it. Several processes may have the same one open. */
export class EmbeddedStore {
  readonly writes: WriteQueue;
  readonly journal: Journal;
  readonly merger: Merger;
  private readonly commitListeners: Array<() => void> = [];
  private readonly faults: ReadFaults;
  private closed: Promise<void> | undefined;
  private stuck = false;

  private constructor(
    private readonly environment: Environment,
    readonly settings: EmbeddedSettings,
  ) {
    this.journal = new Journal(environment.binary, environment.meta);
    this.writes = new WriteQueue(
      {
        transact: (callback) => environment.transact(callback),
        begin: () => this.journal.begin(),
        end: () => this.journal.end(),
        committed: () => this.afterCommit(),
      },
      settings,
    );
    this.merger = new Merger(this.journal, this.writes, settings);
    this.faults = new ReadFaults(settings.clock);
  }

  /**
   * Opens the store, making it when it is not there. Throws `StoreTooNew` before anything is written when a newer
   * program wrote it. Finished when the part of the journal that the index lacks has been read.
   */
  static open(options: EmbeddedOptions): Promise<EmbeddedStore> {
    const opened = opening.then(() => EmbeddedStore.openAlone(settingsOf(options)));
    opening = opened.catch(() => undefined);
    return opened;
  }

  /**
   * Opening blocks this thread until it has the write lock. Another store of this process on the same folder may hold
   * that and need this thread to get on: so it stands still meanwhile.
   */
  private static async openAlone(settings: EmbeddedSettings): Promise<EmbeddedStore> {
    const releases = await Promise.all(neighbours(settings.dataDir).map((store) => store.writes.hold()));
    try {
      const store = new EmbeddedStore(await Environment.open(settings.dataDir), settings);
      openStores.add(store);
      await store.begin();
      return store;
    } finally {
      for (const release of releases) release();
    }
  }

  private async begin(): Promise<void> {
    const { meta } = this.environment;
    // A long rest of the journal is read here, and not later with the write lock in hand.
    this.read(() => undefined);
    await this.writes.run(1, () => {
      if (meta.get('schema') !== undefined) return;
      void meta.put('schema', SCHEMA_VERSION);
      void meta.put('epoch', randomId());
    });
    this.merger.start();
  }

  /** A table of JSON values. */
  json<V, K extends Key = string>(name: JsonTable): Database<V, K> {
    return this.environment.json(name);
  }

  /** A table of bytes under bytes. */
  readonly binary: BinaryTables = (name) => this.environment.binary(name);

  /**
   * Reads at the newest durable state, the index included. Throws `StoreUnavailable` on a closed or broken store, the
   * cause of which is in the log; an error of the program is passed on.
   */
  read<T>(work: () => T): T {
    if (this.closed) throw new StoreUnavailable('the store is closed');
    try {
      this.environment.refresh();
      this.journal.catchUp();
      return work();
    } catch (error) {
      if (!isOfLmdb(error)) throw error;
      this.faults.tell(error);
      throw new StoreUnavailable('the store could not be read', { cause: error });
    }
  }

  /** Names this history. */
  epoch(): string {
    return this.read(() => String(this.environment.meta.get('epoch')));
  }

  /** Begins another history, as after a restore from a backup; answers its name. Durable when it resolves. */
  newEpoch(): Promise<string> {
    const epoch = randomId();
    return this.writes.run(1, () => {
      void this.environment.meta.put('epoch', epoch);
      return epoch;
    });
  }

  /** Closed, but a write still waits for the lock of another process, or for the disk. */
  get isStuck(): boolean {
    return this.stuck;
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
    const isIdle = await this.writes.close();
    openStores.delete(this);
    // An environment with a transaction that waits for another process cannot be closed; the process's end does it.
    if (isIdle) await this.environment.close();
    else this.stuck = true;
  }

  /** Called after each commit. */
  onCommitted(call: () => void): void {
    this.commitListeners.push(call);
  }

  private afterCommit(): void {
    this.journal.committed();
    this.merger.rowsCommitted();
    for (const call of this.commitListeners) call();
  }
}

function neighbours(dataDir: string): EmbeddedStore[] {
  return [...openStores].filter((store) => resolve(store.settings.dataDir) === resolve(dataDir));
}
