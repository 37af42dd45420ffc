import type { mongo } from 'mongoose';
import { type ValidationGrant, ValidationKeyStore } from '../../modules/auth/index.js';
import { StoreUnavailable } from '../../modules/inbox/index.js';
import { ValidationKeyDocument } from './documents.js';
import type { MongoStore } from './mongo-store.js';

/** Ended grants are forgotten at most so often, ms, and so many at once. */
const FORGET_EACH_MS = 1_000;
const FORGET_GRANTS = 1_000;

export class MongoValidationKeys extends ValidationKeyStore {
  private readonly grants: mongo.Collection<ValidationKeyDocument>;
  private forgotAt = -Infinity;

  constructor(private readonly store: MongoStore) {
    super();
    this.grants = store.collection(ValidationKeyDocument);
  }

  async put(digest: string, grant: ValidationGrant, now: number): Promise<void> {
    await this.store.run(() => this.grants.replaceOne({ _id: digest }, grant, { upsert: true }));
    await this.forgetEnded(now);
  }

  private async forgetEnded(now: number): Promise<void> {
    const moment = this.store.settings.clock.monotonic();
    if (moment - this.forgotAt < FORGET_EACH_MS) return;
    this.forgotAt = moment;
    try {
      await this.store.run((signal) => this.forgetSome(now, signal));
    } catch (error) {
      // The grant is stored; what is over stays a little longer.
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }

  private async forgetSome(now: number, signal: AbortSignal): Promise<void> {
    const options = { projection: { _id: 1 }, limit: FORGET_GRANTS, signal } as const;
    const ended = await this.grants.find({ validUntil: { $lt: now } }, options).toArray();
    signal.throwIfAborted();
    if (ended.length > 0) await this.grants.deleteMany({ _id: { $in: ended.map(({ _id }) => _id) } });
  }

  peek(digest: string): Promise<ValidationGrant | undefined> {
    return this.store.run(async (signal) => {
      const options = { projection: { _id: 0 }, signal } as const;
      return ((await this.grants.findOne({ _id: digest }, options)) as ValidationGrant | null) ?? undefined;
    });
  }

  use(digest: string): Promise<boolean> {
    return this.store.run(async () => (await this.grants.deleteOne({ _id: digest })).deletedCount === 1);
  }
}
