import { describe, expect, it } from 'vitest';
import { entryKey, type InboxLog, type LogRow, type SeatRow, sessionLogOf } from '../inbox-log.js';
import { type InboxLogHarness, withLog } from './inbox-log-harness.js';
import { A, B, insertAll, logRow, numbersIn, START, untilDone } from './log-rows.js';

const G = sessionLogOf('g');
/** Another group whose name begins with that of `G`. */
const G2 = sessionLogOf('g2');
const LATER = START + 1e9;
const NO_LIMIT = 1e6;

/** Row n of an inbox, for entry `entry` of a group. */
function entryRow(log: string, n: number, group: string, entry: number): LogRow {
  return logRow(log, n, { key: entryKey(group, entry), body: `@${group} ${entry} 1` });
}

/** Rows 1, 2 … of an inbox: for each number an entry of `G`, for each text a plain message. */
function inboxOf(log: string, ...contents: ReadonlyArray<number | string>): LogRow[] {
  return contents.map((what, i) => {
    return typeof what === 'number' ? entryRow(log, i + 1, G, what) : logRow(log, i + 1, { key: what });
  });
}

function seatRow({ n, body }: LogRow, entry: number): SeatRow {
  return { entry, n, body };
}

async function seatIn(log: InboxLog, name: string, group = G): Promise<SeatRow | undefined> {
  return (await log.seats([{ log: name, group }]))[0];
}

/** What the seats of groups in an inbox promise. */
export function seatContract(open: InboxLogHarness): void {
  describe('seats', () => {
    it(
      'answer the newest row of each in the order asked',
      withLog(open, async ({ log }) => {
        const rows = [
          ...inboxOf(A, 3, 'x', 7, 'y', 'z'),
          entryRow(A, 6, G2, 2),
          ...inboxOf(B, 'x', 12, 'y'),
          ...inboxOf('n:c', 'x'),
        ];
        await insertAll(log, rows);
        const asked = [
          { log: B, group: G },
          { log: B, group: G2 },
          { log: A, group: G },
          { log: 'n:c', group: G },
          { log: 'n:nobody', group: G },
          { log: A, group: G2 },
        ];
        const expected = [seatRow(rows[7]!, 12), undefined, seatRow(rows[2]!, 7), undefined, undefined];
        expect(await log.seats(asked)).toEqual([...expected, seatRow(rows[5]!, 2)]);
        expect(await log.seats([])).toEqual([]);
      }),
    );

    it(
      'follow the numbers of the entries, however many digits these have',
      withLog(open, async ({ log }) => {
        const entries = [9, 10, 35, 36, 99, 100, 1_295, 1_296, 2 ** 31, 2 ** 32, 2 ** 53 - 1];
        for (const [i, entry] of entries.entries()) {
          await log.insert([entryRow(A, i + 1, G, entry)]);
          expect((await seatIn(log, A))?.entry).toBe(entry);
        }
      }),
    );

    it(
      'are answered for a thousand at once',
      withLog(open, async ({ log }) => {
        const rows = Array.from({ length: 1_000 }, (_, i) => entryRow(`n:${i}`, 1, G, i + 1));
        await insertAll(log, rows);
        const found = await log.seats(rows.map((row) => ({ log: row.log, group: G })));
        expect(found.map((seat) => seat?.entry)).toEqual(rows.map((_, i) => i + 1));
      }),
    );

    it(
      'show at once what another adapter stored',
      withLog(open, async ({ log, second }) => {
        const other = await second();
        for (let n = 1; n <= 20; n++) {
          const [writer, reader] = n % 2 ? [log, other] : [other, log];
          await writer.insert([entryRow(A, n, G, n * 3)]);
          expect(await seatIn(reader, A)).toEqual(seatRow(entryRow(A, n, G, n * 3), n * 3));
        }
      }),
    );

    it(
      'are not of a row that an insert did not take',
      withLog(open, async ({ log }) => {
        await log.insert(inboxOf(A, 1, 'taken'));
        const refused = [logRow(A, 3, { key: 'taken' }), entryRow(A, 4, G, 9), entryRow(B, 1, G, 9)];
        expect((await log.insert(refused)).inserted).toBe(0);
        expect([(await seatIn(log, A))?.entry, await seatIn(log, B)]).toEqual([1, undefined]);
      }),
    );

    it(
      'have an empty body once that was dropped',
      withLog(open, async ({ log }) => {
        await insertAll(log, inboxOf(A, 4, 5, 'x'));
        await untilDone(() => log.dropBodies(A, 3));
        expect(await seatIn(log, A)).toEqual({ entry: 5, n: 2, body: '' });
      }),
    );

    removedSeatsContract(open);
  });

  countContract(open);
}

function removedSeatsContract(open: InboxLogHarness): void {
  it(
    'know for ever how far a group was, though its rows were removed',
    withLog(open, async ({ log, second, reopen, tidy }) => {
      const other = await second();
      const removed = [...inboxOf(A, 3, 7), entryRow(A, 3, G2, 40), entryRow(A, 4, G, 8), logRow(A, 5)];
      await insertAll(log, [...removed, ...inboxOf(B, 1)]);
      expect((await seatIn(other, A))?.n).toBe(4);
      await untilDone(() => log.removeRows(A, 5, LATER));
      const asked = [A, B].flatMap((name) => [G, G2].map((group) => ({ log: name, group })));
      const expected = [{ entry: 8, n: 0, body: '' }, { entry: 40, n: 0, body: '' }, { entry: 1, n: 1 }, undefined];
      for (const each of [log, other]) expect(await each.seats(asked)).toMatchObject(expected);
      await tidy();
      expect(await other.seats(asked)).toMatchObject(expected);
      expect(await (await reopen()).seats(asked)).toMatchObject(expected);
    }),
  );

  it(
    'answer the row that stands while older ones of the group are removed',
    withLog(open, async ({ log, second }) => {
      const other = await second();
      const rows = inboxOf(A, 3, 'x', 7, 'y');
      await insertAll(log, rows);
      await untilDone(() => log.removeRows(A, 3, LATER));
      for (const each of [log, other]) expect(await seatIn(each, A)).toEqual(seatRow(rows[2]!, 7));
    }),
  );

  it(
    'go on behind what was removed, again and again',
    withLog(open, async ({ log, second }) => {
      const other = await second();
      for (let n = 1; n <= 21; n += 3) {
        const writer = n % 2 ? log : other;
        const rows = [entryRow(A, n, G, n * 2), entryRow(A, n + 1, G, n * 2 + 1), logRow(A, n + 2)];
        expect(await writer.insert(rows)).toEqual({ inserted: 3 });
        for (const each of [log, other]) expect(await seatIn(each, A)).toEqual(seatRow(rows[1]!, n * 2 + 1));
        await untilDone(() => log.removeRows(A, n + 2, LATER));
        for (const each of [log, other]) expect(await seatIn(each, A)).toEqual({ entry: n * 2 + 1, n: 0, body: '' });
      }
      expect(await numbersIn(log, A)).toEqual([21]);
    }),
  );

  it(
    'know how far each of many groups was that one collection removed',
    withLog(open, async ({ log }) => {
      const groups = Array.from({ length: 300 }, (_, i) => sessionLogOf(`${i}`));
      const rows = [...groups, ...groups].map((group, i) => entryRow(A, i + 1, group, i + 1));
      await insertAll(log, [...rows, logRow(A, 601)]);
      await untilDone(() => log.removeRows(A, 601, LATER));
      const found = await log.seats(groups.map((group) => ({ log: A, group })));
      expect(found).toEqual(groups.map((_, i) => ({ entry: i + 301, n: 0, body: '' })));
    }),
  );
}

function countContract(open: InboxLogHarness): void {
  describe('countOfSeat', () => {
    const seat = { log: A, group: G };

    it(
      'counts the rows of one group in one inbox behind a number, and no further than its limit',
      withLog(open, async ({ log, second }) => {
        const other = await second();
        const rows = [...inboxOf(A, 3, 'x', 7, 'y', 8), entryRow(A, 6, G2, 2), entryRow(A, 7, G, 20)];
        await insertAll(log, [...rows, ...inboxOf(B, 3, 4)]);
        for (const each of [log, other]) {
          const counted = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((above) => each.countOfSeat(seat, above, NO_LIMIT));
          expect(await Promise.all(counted)).toEqual([4, 3, 3, 2, 2, 1, 1, 0, 0]);
          expect(await each.countOfSeat(seat, 0, 3)).toBe(3);
          expect(await each.countOfSeat({ log: A, group: G2 }, 0, NO_LIMIT)).toBe(1);
          expect(await each.countOfSeat({ log: B, group: G2 }, 0, NO_LIMIT)).toBe(0);
          expect(await each.countOfSeat({ log: 'n:nobody', group: G }, 0, NO_LIMIT)).toBe(0);
        }
      }),
    );

    it(
      'counts rows that were written in many batches, some of them tidied',
      withLog(open, async ({ log, tidy }) => {
        for (let n = 1; n <= 40; n += 2) {
          await log.insert([entryRow(A, n, G, n), logRow(A, n + 1)]);
          if (n % 9 === 0) await tidy();
          expect(await log.countOfSeat(seat, 0, NO_LIMIT)).toBe((n + 1) / 2);
          expect(await log.countOfSeat(seat, 10, NO_LIMIT)).toBe(Math.max(0, (n + 1) / 2 - 5));
        }
      }),
    );

    it(
      'counts no row that was removed',
      withLog(open, async ({ log, second }) => {
        const other = await second();
        await insertAll(log, inboxOf(A, 3, 'x', 7, 'y', 8));
        expect(await other.countOfSeat(seat, 0, NO_LIMIT)).toBe(3);
        await untilDone(() => log.removeRows(A, 3, LATER));
        for (const each of [log, other]) expect(await each.countOfSeat(seat, 0, NO_LIMIT)).toBe(2);
        await log.insert([logRow(A, 6)]);
        await untilDone(() => log.removeRows(A, 6, LATER));
        for (const each of [log, other]) expect(await each.countOfSeat(seat, 0, NO_LIMIT)).toBe(0);
      }),
    );
  });
}
