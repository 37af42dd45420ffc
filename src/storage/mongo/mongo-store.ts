import { type Connection, createConnection, type mongo } from 'mongoose';
import { randomId } from '../../common/ids.js';
import { StoreUnavailable } from '../../modules/inbox/index.js';
import { connect } from './connecting.js';
import { ConnectionDocument, type DocumentClass, FORMER_INDEX, SCHEMAS, StoreDocument } from './documents.js';
import { asUnavailable, isDuplicateKey, isIndexMissing } from './driver-errors.js';
import { type MongoSettings, type MongoOptions, settingsOf } from './settings.js';

/** Of the documents; a program refuses a store that a newer one made. */
const SCHEMA_VERSION = 1;
const THE_STORE = 'store';

/** The store was written by a newer version of this program. */
export class MongoStoreTooNew extends Error {
  override readonly name = 'MongoStoreTooNew';
}

/** A store in a MongoDB database, over a connection of its own. Any number of processes may have the same one open. */
export class MongoStore {
  /** The history that it was opened at. */
  epochAtOpening = '';
  private readonly running = new Set<Promise<unknown>>();
  private failure: Error | undefined;
  private closing: Promise<void> | undefined;

  private constructor(
    readonly connection: Connection,
    readonly settings: MongoSettings,
  ) {
    for (const [{ name }, schema] of SCHEMAS) connection.model(name, schema);
  }

  /**
   * Connects and makes what is missing: collections, indexes, the epoch. All of it is there when it resolves. Rejects
   * with `StoreUnavailable` in a bounded time, saying at which address nobody answered.
   */
  static async open(options: MongoOptions): Promise<MongoStore> {
    const store = new MongoStore(createConnection(), settingsOf(options));
    await connect(store.connection, store.settings);
    try {
      await store.begin();
      return store;
    } catch (error) {
      await store.connection.destroy(true);
      throw asUnavailable(error);
    }
  }

  private async begin(): Promise<void> {
    const models = Object.values(this.connection.models);
    await Promise.all(models.map((model) => model.createIndexes()));
    const { schema, epoch } = await this.findOrMakeStore();
    if (schema > SCHEMA_VERSION) throw new MongoStoreTooNew(`the store has form ${schema}, known is ${SCHEMA_VERSION}`);
    await this.dropFormerIndex();
    this.epochAtOpening = epoch;
  }

  private async dropFormerIndex(): Promise<void> {
    try {
      await this.collection(ConnectionDocument).dropIndex(FORMER_INDEX);
    } catch (error) {
      if (!isIndexMissing(error)) throw error;
    }
  }

  private async findOrMakeStore(): Promise<StoreDocument> {
    const stores = this.collection(StoreDocument);
    const found = await stores.findOne({ _id: THE_STORE });
    if (found) return found;
    try {
      await stores.insertOne({ _id: THE_STORE, schema: SCHEMA_VERSION, epoch: randomId() });
    } catch (error) {
      // Another process was faster; its write is durable when ours was refused by a majority.
      if (!isDuplicateKey(error)) throw error;
    }
    return this.findOrMakeStore();
  }

  /**
   * The driver's collection behind the model of a class: what goes in has its type already, so that casting and an
   * object per document would only cost time.
   */
  collection<T extends mongo.Document>(documents: DocumentClass<T>): mongo.Collection<T> {
    return this.connection.model(documents.name).collection as unknown as mongo.Collection<T>;
  }

  /**
   * Does something with the database. Rejects with `StoreUnavailable` when the store is closed or failed, when MongoDB
   * does not answer in time, or when it answers with an error. The signal is given when nobody waits any longer: nothing
   * may be begun after that.
   */
  async run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.assertUsable();
    const given = new AbortController();
    const working = this.track(work(given.signal));
    try {
      return await this.inTime(working, given);
    } catch (error) {
      throw asUnavailable(error);
    }
  }

  private inTime<T>(working: Promise<T>, given: AbortController): Promise<T> {
    const { clock, timeoutMs } = this.settings;
    return new Promise((resolve, reject) => {
      const timer = clock.after(timeoutMs, () => {
        const error = new StoreUnavailable('MongoDB did not answer in time');
        reject(error);
        given.abort(error);
      });
      void working.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  /** Names this history. */
  epoch(): Promise<string | undefined> {
    return this.run((signal) => this.readEpoch(signal));
  }

  /** As `epoch`, as a part of something that runs already. */
  async readEpoch(signal: AbortSignal): Promise<string | undefined> {
    return (await this.collection(StoreDocument).findOne({ _id: THE_STORE }, { signal }))?.epoch;
  }

  /** What the primary's clock shows, ms since 1970. */
  async time(): Promise<number> {
    const { localTime } = await this.run((signal) => this.connection.db!.command({ hello: 1 }, { signal }));
    return (localTime as Date).getTime();
  }

  /** Begins another history; answers its name. Whoever opened the store before must be started anew. */
  async newEpoch(): Promise<string> {
    const epoch = randomId();
    await this.run(() => this.collection(StoreDocument).updateOne({ _id: THE_STORE }, { $set: { epoch } }));
    return epoch;
  }

  /** Refuses everything from now on. */
  fail(error: Error): void {
    this.failure ??= error;
  }

  get failed(): Error | undefined {
    return this.failure;
  }

  get isClosed(): boolean {
    return this.closing !== undefined;
  }

  /** Finishes what was begun, refuses everything else. */
  close(): Promise<void> {
    return (this.closing ??= this.shut());
  }

  private async shut(): Promise<void> {
    await Promise.all(this.running);
    await this.connection.destroy(true);
  }

  private assertUsable(): void {
    if (this.closing) throw new StoreUnavailable('the store is closed');
    if (this.failure) throw new StoreUnavailable('the store failed', { cause: this.failure });
  }

  private track<T>(work: Promise<T>): Promise<T> {
    const ended: Promise<unknown> = work.catch(() => undefined).then(() => this.running.delete(ended));
    this.running.add(ended);
    return work;
  }
}
