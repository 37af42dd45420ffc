import { describe, expect, it } from 'vitest';
import { type InboxLog, NO_MARKS, sessionLogOf, StoreUnavailable } from '../inbox-log.js';
import { type InboxLogHarness, withLog } from './inbox-log-harness.js';
import { A, B, insertAll, logRow, logRows, numbersIn, readAll, START, untilDone } from './log-rows.js';

const totals = (count: number) => ({ count, bytes: count * 10 });
const LATER = START + 1e9;

/** What marks, dropping and removing promise. */
export function retentionContract(open: InboxLogHarness): void {
  describe('marks', () => {
    it(
      'are empty at first, in the order asked afterwards',
      withLog(open, async ({ log, second }) => {
        expect(await log.marks([A, B])).toEqual([NO_MARKS, NO_MARKS]);
        await log.raiseAcked([{ log: B, acked: 7, ackedTotals: totals(7) }]);
        await log.raiseFloor(B, 5, totals(4));
        const marks = { acked: 7, ackedTotals: totals(7), floor: 5, floorTotals: totals(4) };
        expect(await log.marks([A, B])).toEqual([NO_MARKS, marks]);
        expect(await (await second()).marks([B])).toEqual([marks]);
      }),
    );

    it(
      'never lower what was acknowledged, and tell what it was before',
      withLog(open, async ({ log }) => {
        const ack = (name: string, acked: number) => ({ log: name, acked, ackedTotals: totals(acked) });
        expect(await log.raiseAcked([ack(A, 5), ack(B, 2)])).toEqual([0, 0]);
        expect(await log.raiseAcked([ack(B, 3), ack(A, 4)])).toEqual([2, 5]);
        expect(await log.raiseAcked([ack(A, 5)])).toEqual([5]);
        const [a, b] = await log.marks([A, B]);
        expect([a?.acked, a?.ackedTotals, b?.acked, b?.ackedTotals]).toEqual([5, totals(5), 3, totals(3)]);
      }),
    );

    it(
      'keep the highest of many acknowledgements at once',
      withLog(open, async ({ log, second }) => {
        const logs = [log, await second()];
        const acks = Array.from({ length: 40 }, (_, i) => ({
          log: A,
          acked: ((i * 7) % 40) + 1,
          ackedTotals: totals(1),
        }));
        await Promise.all(acks.map((ack, i) => logs[i % 2]!.raiseAcked([ack])));
        expect((await log.marks([A]))[0]?.acked).toBe(40);
        expect(
          await log.raiseAcked(Array.from({ length: 1_000 }, (_, i) => ({ ...acks[0]!, log: `n:${i}` }))),
        ).toHaveLength(1_000);
      }),
    );

    it(
      'never lower the floor',
      withLog(open, async ({ log }) => {
        await log.raiseFloor(A, 9, totals(8));
        await log.raiseFloor(A, 3, totals(2));
        const [marks] = await log.marks([A]);
        expect([marks?.floor, marks?.floorTotals, marks?.acked]).toEqual([9, totals(8), 0]);
      }),
    );
  });

  describe('retention', () => {
    it(
      'empties bodies below a number and keeps the rows',
      withLog(open, async ({ log }) => {
        await insertAll(log, logRows(A, 1, 600));
        await untilDone(() => log.dropBodies(A, 500));
        const rows = await readAll(log, A);
        expect(rows.map((row) => row.body === '')).toEqual(rows.map((row) => row.n < 500));
        expect(rows[0]).toEqual(logRow(A, 1, { body: '', totals: logRow(A, 1).totals }));
        expect((await log.findKeys(A, ['key-1']))[0]?.n).toBe(1);
        expect(await log.insert([logRow(A, 601, { key: 'key-1' })])).toEqual({ inserted: 0, stoppedBy: 'key' });
      }),
    );

    it(
      'says that there is nothing to drop, again and again',
      withLog(open, async ({ log }) => {
        expect(await log.dropBodies('n:nobody', 10)).toBe(false);
        await insertAll(log, logRows(A, 1, 3));
        await untilDone(() => log.dropBodies(A, 10));
        expect(await log.dropBodies(A, 2)).toBe(false);
        await insertAll(log, logRows(A, 4, 4));
        expect((await readAll(log, A)).map((row) => row.body)).toEqual(['', '', '', logRow(A, 4).body]);
      }),
    );

    it(
      'removes old rows from the beginning, and their keys',
      withLog(open, async ({ log, second }) => {
        await insertAll(log, logRows(A, 1, 700));
        const other = await second();
        await untilDone(() => log.removeRows(A, 601, LATER));
        for (const each of [log, other]) {
          expect((await numbersIn(each, A)).slice(0, 2)).toEqual([601, 602]);
          expect(await each.findKeys(A, ['key-600', 'key-1'])).toEqual([undefined, undefined]);
          expect(
            await each.at([
              { log: A, n: 600 },
              { log: A, n: 1 },
            ]),
          ).toEqual([]);
          expect(await each.firstAfter(A, START + 5)).toBe(601);
        }
        expect(await other.insert([logRow(A, 701, { key: 'key-1' })])).toEqual({ inserted: 1 });
        expect(await log.insert([logRow(A, 600)])).toEqual({ inserted: 0, stoppedBy: 'n' });
      }),
    );

    it(
      'leaves what was written later than a time',
      withLog(open, async ({ log }) => {
        await insertAll(log, logRows(A, 1, 10));
        await untilDone(() => log.removeRows(A, 9, START + 5));
        expect(await numbersIn(log, A)).toEqual([5, 6, 7, 8, 9, 10]);
        expect(await log.removeRows(A, 9, START + 5)).toBe(false);
      }),
    );

    it(
      'never removes the newest row, so that numbers go on',
      withLog(open, async ({ log, reopen }) => {
        await insertAll(log, logRows(A, 1, 10));
        await untilDone(() => log.dropBodies(A, 100));
        await untilDone(() => log.removeRows(A, 100, LATER));
        expect((await log.newest([A]))[0]?.n).toBe(10);
        expect(await numbersIn(log, A)).toEqual([10]);
        expect(await log.logs('', 5)).toEqual([A]);
        const again = await reopen();
        expect((await again.newest([A]))[0]?.n).toBe(10);
        expect(await again.insert([logRow(A, 1)])).toEqual({ inserted: 0, stoppedBy: 'n' });
        expect(await again.insert([logRow(A, 11)])).toEqual({ inserted: 1 });
        expect(await numbersIn(again, A)).toEqual([10, 11]);
        expect(await again.removeRows('n:nobody', 5, LATER)).toBe(false);
      }),
    );
  });

  durabilityContract(open);
}

function durabilityContract(open: InboxLogHarness): void {
  describe('the store', () => {
    it(
      'is found as it was after it was opened anew',
      withLog(open, async ({ log, reopen, tidy }) => {
        await insertAll(log, logRows(A, 1, 30));
        await tidy();
        await insertAll(log, [...logRows(A, 31, 40), ...logRows(B, 1, 2)]);
        await log.raiseAcked([{ log: A, acked: 12, ackedTotals: totals(12) }]);
        await log.raiseFloor(A, 3, totals(2));
        const [rows, marks, epoch] = [await readAll(log, A), await log.marks([A]), await log.epoch()];
        const again = await reopen();
        expect([await readAll(again, A), await again.marks([A]), await again.epoch()]).toEqual([rows, marks, epoch]);
        expect(await again.insert([logRow(A, 41, { key: 'key-40' })])).toEqual({ inserted: 0, stoppedBy: 'key' });
        expect(await again.insert([logRow(A, 41), logRow(B, 3)].toReversed())).toEqual({ inserted: 2 });
      }),
    );

    it(
      'has an epoch that two adapters agree on',
      withLog(open, async ({ log, second }) => {
        expect(await log.epoch()).not.toBe('');
        expect(await (await second()).epoch()).toBe(await log.epoch());
      }),
    );

    it(
      'rejects every call with StoreUnavailable once it is closed',
      withLog(open, async ({ log, close }) => {
        await log.insert([logRow(A, 1)]);
        await close();
        for (const call of everyCall(log)) await expect(call()).rejects.toBeInstanceOf(StoreUnavailable);
      }),
    );

    it(
      'finishes what was handed in before it was closed',
      withLog(open, async ({ log, reopen }) => {
        const inserts = logRows(A, 1, 20).map((row) => log.insert([row]));
        const again = await reopen();
        const outcomes = await Promise.all(inserts);
        expect(outcomes.map(({ inserted }) => inserted)).toEqual(inserts.map(() => 1));
        expect(await numbersIn(again, A)).toHaveLength(20);
      }),
    );
  });
}

function everyCall(log: InboxLog): Array<() => Promise<unknown>> {
  return [
    () => log.insert([logRow(A, 2)]),
    () => log.newest([A]),
    () => log.findKeys(A, ['key-1']),
    () => readAll(log, A),
    () => log.at([{ log: A, n: 1 }]),
    () => log.firstAfter(A, 0),
    () => log.marks([A]),
    () => log.raiseAcked([{ log: A, acked: 1, ackedTotals: totals(1) }]),
    () => log.raiseFloor(A, 1, totals(0)),
    () => log.dropBodies(A, 1),
    () => log.removeRows(A, 1, LATER),
    () => log.seats([{ log: A, group: sessionLogOf('g') }]),
    () => log.countOfSeat({ log: A, group: sessionLogOf('g') }, 0, 1),
    () => log.logs('', 1),
    () => log.epoch(),
  ];
}
