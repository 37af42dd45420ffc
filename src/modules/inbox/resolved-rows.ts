import { durableFrame, gapBody, goneFrame, groupBody, isGapBody } from '../../protocol/index.js';
import { type EntryRef, frameOfEntry, isRef, refOf } from './entry-ref.js';
import type { ReadableRow } from './inbox.types.js';
import { destinationOfGroup, type InboxLog, type LogRow, type ReadRange } from './inbox-log.js';

/**
 * References that are resolved at once: what they refer to may be large, and most of it may not fit any more. A thousand
 * slow readers that each ask for a little would else hold a megabyte each. So it begins with few, and doubles.
 */
const CHUNK_ROWS = 32;
const LARGE_BYTES = 16 * 1024;

/** As `InboxLog.read`, with what references refer to in their place; it counts in `maxBytes`. */
export async function readResolved(log: InboxLog, of: string, range: ReadRange): Promise<LogRow[]> {
  const rows = await log.read(of, range);
  if (!rows.some(({ body }) => isRef(body))) return rows;
  const fitting = await fit(log, range.fromEnd ? rows.toReversed() : rows, range.maxBytes);
  return range.fromEnd ? fitting.toReversed() : fitting;
}

async function fit(log: InboxLog, rows: readonly LogRow[], maxBytes: number): Promise<LogRow[]> {
  const fitting: LogRow[] = [];
  let bytes = 0;
  let count = Math.max(1, Math.min(CHUNK_ROWS, Math.floor(maxBytes / LARGE_BYTES)));
  for (let from = 0; from < rows.length; from += count, count = Math.min(CHUNK_ROWS, 2 * count)) {
    for (const row of await resolved(log, rows.slice(from, from + count))) {
      bytes += Buffer.byteLength(row.body);
      if (fitting.length > 0 && bytes > maxBytes) return fitting;
      fitting.push(row);
    }
  }
  return fitting;
}

/** What is not there any more stays a reference: its time was over. */
async function resolved(log: InboxLog, rows: readonly LogRow[]): Promise<LogRow[]> {
  const refs = rows.map(({ body }) => refOf(body));
  const points = refs.flatMap((ref) => (ref && !ref.isGap ? [{ log: ref.group, n: ref.entry }] : []));
  const entries = points.length > 0 ? await log.at(points) : [];
  const bodies = new Map(entries.map((entry) => [`${entry.log} ${entry.n}`, entry.body]));
  return rows.map((row, index) => {
    const body = refs[index] && shownBody(refs[index], bodies.get(`${refs[index].group} ${refs[index].entry}`));
    return body === undefined ? row : { ...row, body };
  });
}

function shownBody({ group, entry, isGap }: EntryRef, body: string | undefined): string | undefined {
  if (isGap) return gapBodyOf(group, entry);
  return body ? groupBody(entry, frameOfEntry(body)) : undefined;
}

export function gapBodyOf(group: string, entry: number): string {
  return gapBody(destinationOfGroup(group), entry);
}

/** Whether a body, as it was written or as it is shown, says that something was left out. */
export function saysGap(body: string): boolean {
  return refOf(body)?.isGap ?? isGapBody(body);
}

/** A row as its reader gets it. `at`: now, ms since 1970; `ageMs`: what is older is not shown any more. */
export function frameOf(row: ReadableRow, at: number, ageMs: number): string {
  const isGone = row.body === '' || isRef(row.body) || row.at < at - ageMs;
  return isGone ? goneFrame(row.n, 'expired') : durableFrame(row.n, row.at, row.body);
}
