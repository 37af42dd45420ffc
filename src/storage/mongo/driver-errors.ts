import { mongo, MongooseError } from 'mongoose';
import { StoreUnavailable } from '../../modules/inbox/index.js';

const DUPLICATE_KEY = 11_000;
const INDEX_NOT_FOUND = 27;
const INDEX_NAMED = /^E11000 duplicate key error collection: \S+ index: (\S+)/;

/** Whatever the driver says that is not an answer means: unknown. Faults of our own stay what they are. */
export function asUnavailable(error: unknown): unknown {
  const isOfDriver = error instanceof mongo.MongoError || error instanceof MongooseError;
  if (!isOfDriver || error instanceof StoreUnavailable) return error;
  return new StoreUnavailable(`MongoDB gave no answer: ${error.message}`, { cause: error });
}

/** A place of a bulk that met a duplicate key, and the index that held it. */
export interface Duplicate {
  readonly at: number;
  readonly index: string;
}

/**
 * The duplicates that stopped (parts of) a bulk; throws the error again when anything else went wrong, too: beside a
 * duplicate key the server may say that it has not heard of a majority, and then nothing of the bulk is sure.
 */
export function duplicatesOf(error: unknown): Duplicate[] {
  if (!(error instanceof mongo.MongoBulkWriteError)) throw error;
  const failures = [error.writeErrors].flat();
  const sure = error.result.getWriteConcernError() === undefined && failures.length > 0;
  if (!sure || failures.some(({ code }) => code !== DUPLICATE_KEY)) throw error;
  return failures.map(({ index, errmsg }) => ({ at: index, index: INDEX_NAMED.exec(errmsg ?? '')?.[1] ?? '' }));
}

export function isDuplicateKey(error: unknown): boolean {
  return error instanceof mongo.MongoServerError && error.code === DUPLICATE_KEY;
}

export function isIndexMissing(error: unknown): boolean {
  return error instanceof mongo.MongoServerError && error.code === INDEX_NOT_FOUND;
}

/** Does every operation for itself; answers the places of those that met a duplicate key. */
export async function bulkApart<T extends mongo.Document>(
  collection: mongo.Collection<T>,
  operations: ReadonlyArray<mongo.AnyBulkWriteOperation<T>>,
  options: mongo.BulkWriteOptions,
): Promise<number[]> {
  if (operations.length === 0) return [];
  try {
    await collection.bulkWrite(operations, { ...options, ordered: false });
    return [];
  } catch (error) {
    return duplicatesOf(error).map(({ at }) => at);
  }
}

/**
 * Does upserts of which none can be in the way of another's document: a duplicate key is one that two make at once, and
 * there the second time finds it.
 */
export async function bulkMeeting<T extends mongo.Document>(
  collection: mongo.Collection<T>,
  operations: ReadonlyArray<mongo.AnyBulkWriteOperation<T>>,
  signal: AbortSignal,
): Promise<void> {
  for (let open = operations; open.length > 0;) {
    signal.throwIfAborted();
    const missed = await bulkApart(collection, open, {});
    open = missed.flatMap((place) => open[place] ?? []);
  }
}
