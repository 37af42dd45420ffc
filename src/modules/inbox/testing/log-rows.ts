import { type InboxLog, inboxLogOf, type LogRow } from '../inbox-log.js';

export const START = 1_700_000_000_000;

/** A row as a caller would build it: row n of a log whose bodies are all alike. */
export function logRow(log: string, n: number, changes: Partial<LogRow> = {}): LogRow {
  const body = changes.body ?? `{"payload":"${n}"}`;
  return {
    log,
    n,
    key: `key-${n}`,
    digest: `digest-${n}`,
    writer: `writer-${n}`,
    at: START + n,
    totals: { count: n, bytes: n * Buffer.byteLength(body) },
    report: n % 2 === 0,
    body,
    ...changes,
  };
}

/** Rows `from` to `to`, both included. */
export function logRows(log: string, from: number, to: number): LogRow[] {
  return Array.from({ length: to - from + 1 }, (_, i) => logRow(log, from + i));
}

/** Appends rows in batches that the log takes. */
export async function insertAll(log: InboxLog, rows: readonly LogRow[]): Promise<void> {
  for (let i = 0; i < rows.length; i += log.maxBatch) {
    const batch = rows.slice(i, i + log.maxBatch);
    const { inserted, stoppedBy } = await log.insert(batch);
    if (inserted !== batch.length) throw new Error(`stopped by ${stoppedBy} behind ${inserted} rows`);
  }
}

export const A = inboxLogOf('a');
export const B = inboxLogOf('b');

/** Everything in a log. */
export function readAll(log: InboxLog, name: string): Promise<LogRow[]> {
  return log.read(name, { after: 0, before: 2 ** 53 - 1, limit: 1e6, maxBytes: 2 ** 31 });
}

export async function numbersIn(log: InboxLog, name: string): Promise<number[]> {
  return (await readAll(log, name)).map((row) => row.n);
}

/** Repeats bounded work until there is no more of it. */
export async function untilDone(step: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 100; i++) if (!(await step())) return;
  throw new Error('there is always more to do');
}
