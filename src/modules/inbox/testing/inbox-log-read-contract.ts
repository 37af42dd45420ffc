import { describe, expect, it } from 'vitest';
import type { LogRow, RowHead } from '../inbox-log.js';
import { type InboxLogHarness, withLog } from './inbox-log-harness.js';
import { A, B, insertAll, logRow, logRows, numbersIn, START } from './log-rows.js';

const EVERYTHING = { after: 0, before: 1e9, limit: 1e6, maxBytes: 1e9 };

function headOf(row: LogRow): RowHead {
  const { log, n, key, digest, writer, at, totals, report } = row;
  return { log, n, key, digest, writer, at, totals, report };
}

/** What the reads promise. */
export function readContract(open: InboxLogHarness): void {
  describe('reads', () => {
    it(
      'answer the newest row of each log in the order asked',
      withLog(open, async ({ log }) => {
        await insertAll(log, [...logRows(A, 1, 3), ...logRows(B, 1, 1)]);
        const expected = [headOf(logRow(B, 1)), undefined, headOf(logRow(A, 3))];
        expect(await log.newest([B, 'n:nobody', A])).toEqual(expected);
      }),
    );

    it(
      'find rows by their keys in the order asked',
      withLog(open, async ({ log }) => {
        await insertAll(log, [...logRows(A, 1, 3), ...logRows(B, 1, 4)]);
        const expected = [headOf(logRow(A, 3)), undefined, headOf(logRow(A, 1))];
        expect(await log.findKeys(A, ['key-3', 'key-4', 'key-1'])).toEqual(expected);
        expect(await log.findKeys('n:nobody', ['key-1'])).toEqual([undefined]);
      }),
    );

    it(
      'answer a range without its ends, from its beginning or its end',
      withLog(open, async ({ log }) => {
        await insertAll(log, logRows(A, 1, 20));
        const range = { ...EVERYTHING, after: 4, before: 10 };
        expect(numbers(await log.read(A, range))).toEqual([5, 6, 7, 8, 9]);
        expect(numbers(await log.read(A, { ...range, limit: 2 }))).toEqual([5, 6]);
        expect(numbers(await log.read(A, { ...range, limit: 2, fromEnd: true }))).toEqual([8, 9]);
        expect(numbers(await log.read(A, { ...range, before: 5 }))).toEqual([]);
        expect(numbers(await log.read(A, { ...range, after: 20, before: 1e9 }))).toEqual([]);
        expect(numbers(await log.read('n:nobody', range))).toEqual([]);
      }),
    );

    it(
      'stop at so many bytes, but not before the first row',
      withLog(open, async ({ log }) => {
        await insertAll(
          log,
          [1, 2, 3, 4].map((n) => logRow(A, n, { body: 'é'.repeat(50) })),
        );
        expect(numbers(await log.read(A, { ...EVERYTHING, maxBytes: 200 }))).toEqual([1, 2]);
        expect(numbers(await log.read(A, { ...EVERYTHING, maxBytes: 199 }))).toEqual([1]);
        expect(numbers(await log.read(A, { ...EVERYTHING, maxBytes: 1 }))).toEqual([1]);
        expect(numbers(await log.read(A, { ...EVERYTHING, maxBytes: 250, fromEnd: true }))).toEqual([3, 4]);
      }),
    );

    it(
      'find the rows at points and leave out those that are not there',
      withLog(open, async ({ log }) => {
        await insertAll(log, [...logRows(A, 1, 5), ...logRows(B, 1, 5)]);
        const points = [
          { log: B, n: 5 },
          { log: A, n: 6 },
          { log: A, n: 2 },
          { log: 'n:nobody', n: 1 },
          { log: A, n: 0 },
        ];
        const found = await log.at(points);
        expect(found).toHaveLength(2);
        expect(found).toEqual(expect.arrayContaining([logRow(A, 2), logRow(B, 5)]));
      }),
    );

    it(
      'find the first row later than a time',
      withLog(open, async ({ log }) => {
        const times = [10, 10, 20, 20, 20, 30];
        await insertAll(
          log,
          times.map((time, i) => logRow(A, i + 1, { at: START + time })),
        );
        const asked = [0, 9, 10, 19, 20, 29, 30];
        const found = await Promise.all(asked.map((time) => log.firstAfter(A, START + time)));
        expect(found).toEqual([1, 1, 3, 3, 6, 6, undefined]);
        expect(await log.firstAfter('n:nobody', 0)).toBeUndefined();
      }),
    );

    it(
      'list the logs that have rows, page by page',
      withLog(open, async ({ log, tidy }) => {
        const names = Array.from({ length: 12 }, (_, i) => `n:${String.fromCodePoint(97 + i)}`);
        await insertAll(
          log,
          names
            .slice(0, 7)
            .map((name) => logRow(name, 1))
            .toReversed(),
        );
        await tidy();
        await insertAll(
          log,
          names.slice(5).map((name) => logRow(name, name < names[7]! ? 2 : 1)),
        );
        expect(await log.logs('', 5)).toEqual(names.slice(0, 5));
        expect(await log.logs('n:e', 5)).toEqual(names.slice(5, 10));
        expect(await log.logs('n:l', 5)).toEqual([]);
        await log.raiseAcked([{ log: 'n:z', acked: 1, ackedTotals: { count: 1, bytes: 1 } }]);
        expect(await log.logs('n:k', 5)).toEqual(['n:l']);
      }),
    );

    it(
      'see at once what another adapter stored',
      withLog(open, async ({ log, second }) => {
        const other = await second();
        for (let n = 1; n <= 20; n++) {
          await log.insert([logRow(A, n)]);
          expect(numbers(await other.at([{ log: A, n }]))).toEqual([n]);
          expect((await other.newest([A]))[0]?.n).toBe(n);
        }
      }),
    );

    it(
      'show a row that is being stored wholly or not at all',
      withLog(open, async ({ log }) => {
        const writer = { isAnswered: false };
        const inserting = log.insert([logRow(A, 1)]).finally(() => (writer.isAnswered = true));
        while (!writer.isAnswered) {
          const seen = [
            ...(await log.newest([A])),
            ...(await log.findKeys(A, ['key-1'])),
            ...(await log.at([{ log: A, n: 1 }])),
          ];
          // It may be seen before its writer is answered, but then it stays.
          if (seen.some((row) => row)) expect(await numbersIn(log, A)).toEqual([1]);
          await new Promise((resolve) => setImmediate(resolve));
        }
        await inserting;
        expect(await numbersIn(log, A)).toEqual([1]);
      }),
    );
  });
}

function numbers(rows: readonly LogRow[]): number[] {
  return rows.map((row) => row.n);
}
