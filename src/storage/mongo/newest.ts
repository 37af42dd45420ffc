import type { mongo } from 'mongoose';
import type { RowHead } from '../../modules/inbox/index.js';
import type { LogRowDocument } from './documents.js';
import { behindRowsOf, rowId, toHead } from './row-id.js';
import { chunksOf, UNION_REPLY, unionOf } from './union.js';

type Rows = mongo.Collection<LogRowDocument>;

/** The newest row of each log that has one. */
export async function newestIn(
  rows: Rows,
  logs: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, RowHead>> {
  const options = { batchSize: UNION_REPLY, signal };
  const queries = chunksOf([...new Set(logs)]).map((chunk) =>
    rows.aggregate<LogRowDocument>(unionOf(rows.collectionName, chunk.map(newestOf)), options).toArray(),
  );
  const found = (await Promise.all(queries)).flat().map((document) => toHead(document));
  return new Map(found.map((head) => [head.log, head]));
}

function newestOf(log: string): mongo.Document[] {
  const ofLog = { _id: { $gt: rowId(log, 0), $lt: behindRowsOf(log) } };
  return [{ $match: ofLog }, { $sort: { _id: -1 } }, { $limit: 1 }, { $project: { body: 0 } }];
}
