import { describe, expect, it } from 'vitest';
import { type InboxLogHarness, withLog } from './inbox-log-harness.js';
import { A, B, logRow, logRows, numbersIn, readAll } from './log-rows.js';

/** What an insert promises. */
export function insertContract(open: InboxLogHarness): void {
  describe('insert', () => {
    it(
      'stores every field of a row',
      withLog(open, async ({ log }) => {
        const rows = [logRow(A, 1), logRow(A, 2, { report: true, totals: { count: 2, bytes: 2 ** 40 } })];
        expect(await log.insert(rows)).toEqual({ inserted: 2 });
        expect(await readAll(log, A)).toEqual(rows);
      }),
    );

    it(
      'takes a row that is open as one like the others',
      withLog(open, async ({ log }) => {
        expect(await log.insert([{ ...logRow(A, 1), open: true }, logRow(A, 2)])).toEqual({ inserted: 2 });
        expect(await readAll(log, A)).toEqual([logRow(A, 1), logRow(A, 2)]);
        expect(await log.at([{ log: A, n: 1 }])).toEqual([logRow(A, 1)]);
      }),
    );

    it(
      'takes rows of several logs in one batch',
      withLog(open, async ({ log }) => {
        expect(await log.insert([...logRows(A, 1, 2), ...logRows(B, 1, 3)])).toEqual({ inserted: 5 });
        expect([await numbersIn(log, A), await numbersIn(log, B)]).toEqual([
          [1, 2],
          [1, 2, 3],
        ]);
      }),
    );

    it(
      'takes as many rows as it says',
      withLog(open, async ({ log }) => {
        const rows = logRows(A, 1, log.maxBatch);
        expect(await log.insert(rows)).toEqual({ inserted: rows.length });
      }),
    );

    it(
      'does nothing for no rows',
      withLog(open, async ({ log }) => {
        expect(await log.insert([])).toEqual({ inserted: 0 });
      }),
    );

    it(
      'refuses a number that is taken and keeps the row that has it',
      withLog(open, async ({ log }) => {
        await log.insert([logRow(A, 1)]);
        const other = logRow(A, 1, { key: 'other', body: '{}' });
        expect(await log.insert([other])).toEqual({ inserted: 0, stoppedBy: 'n' });
        expect(await readAll(log, A)).toEqual([logRow(A, 1)]);
      }),
    );

    it(
      'refuses a row whose predecessor is missing',
      withLog(open, async ({ log }) => {
        expect(await log.insert([logRow(A, 2)])).toEqual({ inserted: 0, stoppedBy: 'n' });
        await log.insert([logRow(A, 1)]);
        expect(await log.insert([logRow(A, 3)])).toEqual({ inserted: 0, stoppedBy: 'n' });
        expect(await numbersIn(log, A)).toEqual([1]);
      }),
    );

    it(
      'refuses a key that the log has, and takes it in another log',
      withLog(open, async ({ log }) => {
        await log.insert([logRow(A, 1, { key: 'same' })]);
        expect(await log.insert([logRow(A, 2, { key: 'same' })])).toEqual({ inserted: 0, stoppedBy: 'key' });
        expect(await log.insert([logRow(B, 1, { key: 'same' })])).toEqual({ inserted: 1 });
        expect(await numbersIn(log, A)).toEqual([1]);
      }),
    );

    it(
      'refuses a key that came earlier in the same batch',
      withLog(open, async ({ log }) => {
        const rows = [logRow(A, 1, { key: 'same' }), logRow(A, 2, { key: 'same' })];
        expect(await log.insert(rows)).toEqual({ inserted: 1, stoppedBy: 'key' });
      }),
    );

    it(
      'keeps the rows before a conflict and inserts none behind it',
      withLog(open, async ({ log }) => {
        await log.insert([logRow(B, 1, { key: 'taken' })]);
        const byNumber = [...logRows(A, 1, 2), logRow(B, 1), logRow(B, 2)];
        expect(await log.insert(byNumber)).toEqual({ inserted: 2, stoppedBy: 'n' });
        const byKey = [logRow(A, 3), logRow(B, 2, { key: 'taken' }), logRow(B, 3)];
        expect(await log.insert(byKey)).toEqual({ inserted: 1, stoppedBy: 'key' });
        expect([await numbersIn(log, A), await numbersIn(log, B)]).toEqual([[1, 2, 3], [1]]);
      }),
    );

    it(
      'keeps the order of inserts that were handed in without waiting',
      withLog(open, async ({ log }) => {
        const outcomes = await Promise.all(logRows(A, 1, 50).map((row) => log.insert([row])));
        expect(outcomes.every(({ inserted }) => inserted === 1)).toBe(true);
        expect(await numbersIn(log, A)).toEqual(logRows(A, 1, 50).map((row) => row.n));
      }),
    );

    writersContract(open);
    bytesContract(open);
  });
}

function writersContract(open: InboxLogHarness): void {
  it(
    'lets one of two writers have a number',
    withLog(open, async ({ log, second }) => {
      const other = await second();
      const [mine, theirs] = [logRow(A, 1, { key: 'mine' }), logRow(A, 1, { key: 'theirs' })];
      const outcomes = await Promise.all([log.insert([mine]), other.insert([theirs])]);
      expect(outcomes.map(({ inserted }) => inserted).toSorted((a, b) => a - b)).toEqual([0, 1]);
      expect(await readAll(log, A)).toEqual(await readAll(other, A));
      expect(await numbersIn(log, A)).toEqual([1]);
    }),
  );

  it(
    'names one of two conflicts when number and key are both taken, and the key finds the row that stands',
    withLog(open, async ({ log, second }) => {
      const other = await second();
      const first = logRow(A, 1, { key: 'same', writer: 'first' });
      await other.insert([first]);
      const { inserted, stoppedBy } = await log.insert([logRow(A, 1, { key: 'same', writer: 'second' })]);
      expect([inserted, ['n', 'key'].includes(stoppedBy ?? '')]).toEqual([0, true]);
      expect((await log.findKeys(A, ['same']))[0]).toMatchObject({ n: 1, writer: 'first' });
      expect(await numbersIn(log, A)).toEqual([1]);
    }),
  );

  it(
    'refuses a key that another writer stored',
    withLog(open, async ({ log, second }) => {
      const other = await second();
      await other.insert([logRow(A, 1, { key: 'same' })]);
      expect(await log.insert([logRow(A, 2, { key: 'same' })])).toEqual({ inserted: 0, stoppedBy: 'key' });
      expect(await log.insert([logRow(A, 2)])).toEqual({ inserted: 1 });
      expect(await other.insert([logRow(A, 3)])).toEqual({ inserted: 1 });
      expect(await numbersIn(other, A)).toEqual([1, 2, 3]);
    }),
  );
}

const BODIES: ReadonlyArray<readonly [string, string]> = [
  ['letters of all planes', '{"payload":"äß€𝄞😀\u{10FFFF}"}'],
  ['escapes', String.raw`{"payload":"\u0000\ud83d\n\"\\\/"}`],
  ['white space between tokens', '{ "payload" :\n\t[ 1 ,\r\n 2 ] }'],
  ['numbers beyond doubles and doubled keys', '{"a":1e400,"a":1152921504606846977,"a":-0.0}'],
  ['64 KiB', `{"payload":"${'x'.repeat(64 * 1024)}"}`],
  ['4 MiB of three bytes each', `{"payload":"${'€'.repeat(1_398_101)}"}`],
  ['nothing', ''],
];

function bytesContract(open: InboxLogHarness): void {
  it.each(BODIES)('gives a body back as it was: %s', (_, body) =>
    withLog(open, async ({ log, reopen }) => {
      await log.insert([logRow(A, 1, { body }), logRow(A, 2)]);
      expect((await readAll(log, A))[0]?.body === body).toBe(true);
      expect((await readAll(await reopen(), A))[0]?.body === body).toBe(true);
    })(),
  );

  it(
    'gives keys, digests and names of logs back as they were',
    withLog(open, async ({ log }) => {
      const row = logRow('n:größe 😀', 1, { key: 'a\u0001b\u0001ü€', digest: 'ä', writer: 'ö' });
      await log.insert([row]);
      expect(await readAll(log, row.log)).toEqual([row]);
      expect((await log.findKeys(row.log, [row.key]))[0]?.n).toBe(1);
    }),
  );
}
