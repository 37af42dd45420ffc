import type { mongo } from 'mongoose';

/** Branches of one query; the server takes at most 1,000 stages. */
const MOST_BRANCHES = 256;
/** Of such a query: more than a row a branch and one remembered thing. The server's own first reply has 101. */
export const UNION_REPLY = 2 * MOST_BRANCHES + 1;

/** One query in place of many on one collection: a find for each costs ten times as much. */
export function unionOf(coll: string, branches: ReadonlyArray<readonly mongo.Document[]>): mongo.Document[] {
  const [first = [], ...others] = branches;
  return [...first, ...others.map((pipeline) => ({ $unionWith: { coll, pipeline } }))];
}

/** What one query each takes of what is asked. */
export function chunksOf<T>(asked: readonly T[]): T[][] {
  const chunks: T[][] = [];
  for (let i = 0; i < asked.length; i += MOST_BRANCHES) chunks.push(asked.slice(i, i + MOST_BRANCHES));
  return chunks;
}
