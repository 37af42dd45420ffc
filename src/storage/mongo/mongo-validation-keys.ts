import type { mongo } from 'mongoose';
import { randomId } from '../../common/ids.js';
import { type ValidationGrant, ValidationKeyStore } from '../../modules/auth/index.js';
import { StoreUnavailable } from '../../modules/inbox/index.js';
import { ValidationKeyDocument } from './documents.js';
import { bulkMeeting } from './driver-errors.js';
import { Gather, paceOfCrowds } from './gather.js';
import { isLaterThanNow, isOver, msFromNow } from './store-time.js';
import type { MongoStore } from './mongo-store.js';

/** Ended grants are forgotten at most so often, ms, and so many at once. */
const FORGET_EACH_MS = 1_000;
const FORGET_GRANTS = 1_000;
/** Grants of one reply; more come in further ones. */
const MOST_GRANTS = 1_000;

/** A grant to be stored, good for `ms`. */
type FreshGrant = Omit<ValidationKeyDocument, 'validUntil'> & { readonly ms: number };

export class MongoValidationKeys extends ValidationKeyStore {
  private readonly grants: mongo.Collection<ValidationKeyDocument>;
  private readonly puts: Gather<FreshGrant, void>;
  private readonly peeks: Gather<string, ValidationGrant | undefined>;
  private readonly uses: Gather<string, boolean>;
  private forgotAt = -Infinity;

  constructor(private readonly store: MongoStore) {
    super();
    this.grants = store.collection(ValidationKeyDocument);
    const pace = paceOfCrowds(store.settings.clock);
    this.puts = new Gather((grants, signal) => this.putAll(grants, signal), { pace });
    this.peeks = new Gather((digests, signal) => this.find(digests, signal), { pace });
    this.uses = new Gather((digests, signal) => this.useUp(digests, signal), { pace });
  }

  async put(digest: string, grant: ValidationGrant, ms: number): Promise<void> {
    await this.store.run((signal) => this.puts.run({ _id: digest, ...grant, usedBy: null, ms }, signal));
    await this.forgetEnded();
  }

  private async putAll(grants: readonly FreshGrant[], signal: AbortSignal): Promise<void[]> {
    await bulkMeeting(this.grants, grants.map(storing), signal);
    return [];
  }

  private async forgetEnded(): Promise<void> {
    const moment = this.store.settings.clock.monotonic();
    if (moment - this.forgotAt < FORGET_EACH_MS) return;
    this.forgotAt = moment;
    try {
      await this.store.run((signal) => this.forgetSome(signal));
    } catch (error) {
      passOverAway(error);
    }
  }

  private async forgetSome(signal: AbortSignal): Promise<void> {
    const options = { projection: { _id: 1 }, limit: FORGET_GRANTS, signal } as const;
    const ended = await this.grants.find(isOver('validUntil'), options).toArray();
    signal.throwIfAborted();
    if (ended.length > 0) await this.grants.deleteMany({ _id: { $in: ended.map(({ _id }) => _id) } });
  }

  peek(digest: string): Promise<ValidationGrant | undefined> {
    return this.store.run((signal) => this.peeks.run(digest, signal));
  }

  private async find(digests: readonly string[], signal: AbortSignal): Promise<Array<ValidationGrant | undefined>> {
    const options = { projection: { usedBy: 0, validUntil: 0 }, hint: '_id_', batchSize: MOST_GRANTS, signal } as const;
    const asked = { _id: { $in: [...digests] }, usedBy: null, ...isLaterThanNow('validUntil') };
    const found = await this.grants.find(asked, options).toArray();
    const grants = new Map(found.map(({ _id, ...grant }) => [_id, grant]));
    return digests.map((digest) => grants.get(digest));
  }

  use(digest: string): Promise<boolean> {
    return this.store.run((signal) => this.uses.run(digest, signal));
  }

  /** Of the same digest, the first has it. */
  private async useUp(digests: readonly string[], signal: AbortSignal): Promise<boolean[]> {
    const won = await this.claim([...new Set(digests)], signal);
    return digests.map((digest) => won.delete(digest));
  }

  /**
   * The answer to a write of many tells how many it changed and not which, so the grants are signed by their user before
   * they are removed: whatever else asks for one meanwhile finds it signed. One alone is just removed.
   */
  private async claim(digests: readonly string[], signal: AbortSignal): Promise<Set<string>> {
    const open = { _id: { $in: [...digests] }, usedBy: null };
    if (digests.length === 1) return new Set((await this.grants.deleteOne(open)).deletedCount === 1 ? digests : []);
    const mine = { ...open, usedBy: randomId() };
    const { modifiedCount } = await this.grants.updateMany(open, { $set: { usedBy: mine.usedBy } });
    const isAll = modifiedCount === digests.length;
    const won = isAll ? digests : await this.idsOf(mine, signal);
    void this.store.run(() => this.grants.deleteMany(mine)).catch(passOverAway);
    return new Set(won);
  }

  private async idsOf(filter: mongo.Filter<ValidationKeyDocument>, signal: AbortSignal): Promise<string[]> {
    const options = { projection: { _id: 1 }, batchSize: MOST_GRANTS, signal } as const;
    return (await this.grants.find(filter, options).toArray()).map(({ _id }) => _id);
  }
}

function storing({ ms, ...grant }: FreshGrant): mongo.AnyBulkWriteOperation<ValidationKeyDocument> {
  const replacement = { $mergeObjects: [{ $literal: grant }, { validUntil: msFromNow(ms) }] };
  return { updateOne: { filter: { _id: grant._id }, update: [{ $replaceWith: replacement }], upsert: true } };
}

/** What is over stays a little longer when the store is away. */
function passOverAway(error: unknown): void {
  if (!(error instanceof StoreUnavailable)) throw error;
}
