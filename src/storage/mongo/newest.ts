import type { mongo } from 'mongoose';
import type { RowHead } from '../../modules/inbox/index.js';
import type { LogRowDocument } from './documents.js';
import { behindRowsOf, rowId, toHead } from './row-id.js';

/** Logs of one query; the server takes at most 1,000 stages. */
const LOGS_A_QUERY = 256;

type Rows = mongo.Collection<LogRowDocument>;

/** The newest row of each log that has one. For many logs one query: a find for each costs ten times as much here. */
export async function newestIn(
  rows: Rows,
  logs: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, RowHead>> {
  const asked = [...new Set(logs)];
  const queries: Array<Promise<mongo.Document[]>> = [];
  for (let i = 0; i < asked.length; i += LOGS_A_QUERY) {
    queries.push(rows.aggregate(unionOf(rows, asked.slice(i, i + LOGS_A_QUERY)), { signal }).toArray());
  }
  const found = (await Promise.all(queries)).flat().map((document) => toHead(document as LogRowDocument));
  return new Map(found.map((head) => [head.log, head]));
}

function unionOf(rows: Rows, logs: readonly string[]): mongo.Document[] {
  const [first = [], ...others] = logs.map(newestOf);
  return [...first, ...others.map((pipeline) => ({ $unionWith: { coll: rows.collectionName, pipeline } }))];
}

function newestOf(log: string): mongo.Document[] {
  const ofLog = { _id: { $gt: rowId(log, 0), $lt: behindRowsOf(log) } };
  return [{ $match: ofLog }, { $sort: { _id: -1 } }, { $limit: 1 }, { $project: { body: 0 } }];
}
