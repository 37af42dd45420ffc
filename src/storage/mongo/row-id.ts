import type { LogRow, RowHead } from '../../modules/inbox/index.js';
import type { LogRowDocument } from './documents.js';

/** 2^53 - 1 has eleven digits to the base of 36. */
const DIGITS = 11;
const RADIX = 36;

/** (log, n) as one text that sorts as the two do. No id holds a control character. */
export function rowId(log: string, n: number): string {
  return `${log}\u0000${n.toString(RADIX).padStart(DIGITS, '0')}`;
}

export function numberIn(id: string): number {
  return Number.parseInt(id.slice(-DIGITS), RADIX);
}

/** Above every row of the log, below every row of the next. */
export function behindRowsOf(log: string): string {
  return `${log}\u0001`;
}

export function toDocument(row: LogRow): LogRowDocument {
  const { log, n, key, digest, writer, at, totals, report, body, open } = row;
  const { count, bytes } = totals;
  const document = { _id: rowId(log, n), log, n, key, digest, writer, at, count, bytes, report, body };
  return open ? { ...document, open } : document;
}

export function toHead(document: Omit<LogRowDocument, 'body'>): RowHead {
  const { log, n, key, digest, writer, at, count, bytes, report } = document;
  return { log, n, key, digest, writer, at, totals: { count, bytes }, report };
}

/** The body first: what V8 makes of a spread that something is added to outlives young collections (seen on Node 20). */
export function toRow(document: LogRowDocument): LogRow {
  return { body: document.body, ...toHead(document) };
}
