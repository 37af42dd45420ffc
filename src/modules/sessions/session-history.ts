import { groupBody, transientFrame } from '../../protocol/index.js';
import { type InboxLog, type LogRow, NO_MARKS } from '../inbox/index.js';
import { decodeEntry, type Entry } from './group-entry.js';
import type { Stay } from './group-log.js';
import type { GroupState } from './group-state.js';
import type { EntryPage, EntryQuery, HistoryPolicy } from './sessions.types.js';

const DEFAULT_ROWS = 200;
const READ_ROWS = 1_000;

/** Who reads: a member by its stays, or a trusted backend. */
export interface EntryReader {
  readonly nodeId: string;
  readonly trusted: boolean;
  /** The last entry that it is sure about: what comes behind it may be no business of the reader any more. */
  readonly tail: number;
  readonly stays: readonly Stay[];
}

/** A page of what the reader may read, ascending; bounds exclusive; with `before` only, the last ones. */
export async function readEntries(
  log: InboxLog,
  state: GroupState,
  reader: EntryReader,
  query: EntryQuery,
  maxBytes: number,
): Promise<EntryPage> {
  const { limit = DEFAULT_ROWS } = query;
  const { tail } = reader;
  const [marks = NO_MARKS] = await log.marks([state.log]);
  const history = state.terms.history ?? 'joined';
  const { first, last } = spanOf(reader, history);
  const before = Math.min(query.before ?? Infinity, tail + 1, last + 1);
  const fromEnd = query.after === undefined && query.before !== undefined;
  let bounds = { after: Math.max(query.after ?? 0, marks.floor - 1, first - 1), before };
  const frames: string[] = [];
  for (let bytes = 0; bounds.after + 1 < bounds.before;) {
    const rows = await log.read(state.log, { ...bounds, limit: READ_ROWS, maxBytes, fromEnd });
    for (const row of fromEnd ? rows.toReversed() : rows) {
      const frame = mayRead(reader, row, history) ? entryFrame(row) : '';
      bytes += Buffer.byteLength(frame);
      const isFull = frames.length >= limit || (frames.length > 0 && bytes > maxBytes);
      if (frame !== '' && isFull) return page(frames, tail, false, fromEnd);
      if (frame !== '') frames.push(frame);
      bounds = fromEnd ? { ...bounds, before: row.n } : { ...bounds, after: row.n };
    }
    if (rows.length === 0) break;
  }
  return page(frames, tail, true, fromEnd);
}

/** Of a member that reads what its stays cover there is nothing outside of them all: nobody looks through that. */
function spanOf({ trusted, stays }: EntryReader, history: HistoryPolicy): { first: number; last: number } {
  if (trusted || history === 'all') return { first: 1, last: Infinity };
  const span = { first: Infinity, last: 0 };
  for (const { joined, left } of stays) {
    span.first = Math.min(span.first, joined);
    span.last = Math.max(span.last, left ?? Infinity);
  }
  return span;
}

function page(frames: string[], tail: number, complete: boolean, fromEnd: boolean): EntryPage {
  return { frames: fromEnd ? frames.toReversed() : frames, tail, complete };
}

function entryFrame({ n, at, body }: LogRow): string {
  const { frame } = decodeEntry(body);
  return frame === '' ? '' : transientFrame(at, groupBody(n, frame));
}

/** Private ones are for their two parties, whoever else asks; the others for whom they covered, or for all members. */
function mayRead({ nodeId, trusted, stays }: EntryReader, { n, body }: LogRow, history: HistoryPolicy): boolean {
  if (body === '') return false;
  const entry: Entry = decodeEntry(body);
  if (entry.frame === '') return false;
  const isCovered = history === 'all' || stays.some(({ joined, left }) => joined <= n && (left === null || n <= left));
  if (entry.kind !== 'message' || !entry.to) return trusted || isCovered;
  if (trusted && !entry.isPrivate) return true;
  return (trusted || isCovered) && (entry.from === nodeId || entry.to.nodeId === nodeId);
}
