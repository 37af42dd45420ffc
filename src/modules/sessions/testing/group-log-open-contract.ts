import { describe, expect, it } from 'vitest';
import { type InboxLog, type LogRow, sessionLogOf } from '../../inbox/index.js';
import { logRow, untilDone } from '../../inbox/testing/index.js';
import { ALL, G, G2, type GroupLogHarness, INBOX, openRow, withGroups } from './group-log-harness.js';

async function insertAll(log: InboxLog, rows: readonly LogRow[]): Promise<void> {
  for (let i = 0; i < rows.length; i += log.maxBatch) {
    const batch = rows.slice(i, i + log.maxBatch);
    expect(await log.insert(batch)).toEqual({ inserted: batch.length });
  }
}

function openRows(log: string, from: number, to: number): LogRow[] {
  return Array.from({ length: to - from + 1 }, (_, i) => openRow(log, from + i));
}

/** What is promised of open entries. */
export function openContract(open: GroupLogHarness): void {
  describe('open', () => {
    it(
      'has an entry from its insert on, for everybody, and none that was not inserted so',
      withGroups(open, async ({ groups, log, second }) => {
        const other = (await second()).groups;
        expect(await groups.open('', ALL)).toEqual([]);
        await log.insert([logRow(G, 1), openRow(G, 2), logRow(G, 3), openRow(G, 4), logRow(INBOX, 1)]);
        for (const each of [groups, other]) expect(await each.open('', ALL)).toEqual([{ log: G, n: 2 }]);
      }),
    );

    it(
      'answers the first open entry of each group, page by page',
      withGroups(open, async ({ groups, log }) => {
        const names = ['a', 'b', 'bb', 'c', 'dddd', 'e', 'f'].map(sessionLogOf);
        const rows = names.toReversed().flatMap((name, i) => [logRow(name, 1), ...openRows(name, 2, 3 + i)]);
        await insertAll(log, rows);
        const all = names.map((name) => ({ log: name, n: 2 }));
        expect(await groups.open('', ALL)).toEqual(all);
        expect(await groups.open('', 3)).toEqual(all.slice(0, 3));
        expect(await groups.open(names[2]!, 3)).toEqual(all.slice(3, 6));
        expect(await groups.open(`${names[2]!}x`, 3)).toEqual(all.slice(3, 6));
        expect(await groups.open(names[6]!, 3)).toEqual([]);
      }),
    );

    it(
      'lists logs of sessions and clients alike',
      withGroups(open, async ({ groups, log }) => {
        await log.insert([openRow('s:x', 1), openRow('c:y', 1)]);
        const expected = ['c:y', 's:x'].map((name) => ({ log: name, n: 1 }));
        expect(await groups.open('', ALL)).toEqual(expected);
        expect(await groups.open('c:y', ALL)).toEqual(expected.slice(1));
      }),
    );

    it(
      'has of an insert that was stopped what came before the conflict, and nothing behind it',
      withGroups(open, async ({ groups, log, second }) => {
        const other = await second();
        await other.log.insert([logRow(G2, 1, { key: 'taken' })]);
        const byKey = [openRow(G, 1), openRow(G2, 2, { key: 'taken' }), openRow(G2, 3), openRow('s:z', 1)];
        expect(await log.insert(byKey)).toEqual({ inserted: 1, stoppedBy: 'key' });
        const byNumber = [openRow(G, 2), openRow(G2, 1), openRow('s:z', 1)];
        expect(await log.insert(byNumber)).toEqual({ inserted: 1, stoppedBy: 'n' });
        const opened = [groups, other.groups];
        for (const each of opened) expect(await each.open('', ALL)).toEqual([{ log: G, n: 1 }]);
        await groups.close(G, 1);
        for (const each of opened) expect(await each.open('', ALL)).toEqual([{ log: G, n: 2 }]);
        await groups.close(G, 2);
        for (const each of opened) expect(await each.open('', ALL)).toEqual([]);
      }),
    );

    it(
      'opens nothing again by an insert that is refused',
      withGroups(open, async ({ groups, log }) => {
        await insertAll(log, openRows(G, 1, 2));
        await groups.close(G, 2);
        expect((await log.insert([openRow(G, 2)])).inserted).toBe(0);
        expect((await log.insert([openRow(G, 1, { key: 'other' })])).inserted).toBe(0);
        expect((await log.insert([openRow(G, 3, { key: 'key-1' })])).inserted).toBe(0);
        expect(await groups.open('', ALL)).toEqual([]);
      }),
    );

    it(
      'has the row of one of two writers, and once',
      withGroups(open, async ({ groups, log, second }) => {
        const other = await second();
        const inserts = [
          log.insert([openRow(G, 1, { key: 'mine' })]),
          other.log.insert([openRow(G, 1, { key: 'theirs' })]),
        ];
        expect((await Promise.all(inserts)).filter(({ inserted }) => inserted === 1)).toHaveLength(1);
        expect(await other.groups.open('', ALL)).toEqual([{ log: G, n: 1 }]);
        await groups.close(G, 1);
        expect(await other.groups.open('', ALL)).toEqual([]);
      }),
    );

    it(
      'is not changed by a body that is dropped',
      withGroups(open, async ({ groups, log }) => {
        await insertAll(log, openRows(G, 1, 3));
        await groups.close(G, 1);
        await untilDone(() => log.dropBodies(G, 3));
        expect(await groups.open('', ALL)).toEqual([{ log: G, n: 2 }]);
      }),
    );
  });

  closeContract(open);
}

function closeContract(open: GroupLogHarness): void {
  describe('close', () => {
    it(
      'closes all up to a number in one group, and leaves the rest open',
      withGroups(open, async ({ groups, log, second }) => {
        const other = (await second()).groups;
        await insertAll(log, [...openRows(G, 1, 300), ...openRows(G2, 1, 2)]);
        for (const upTo of [1, 2, 9, 10, 255, 256, 299]) {
          await groups.close(G, upTo);
          for (const each of [groups, other]) {
            const expected = [G, G2].map((name) => ({ log: name, n: name === G ? upTo + 1 : 1 }));
            expect(await each.open('', ALL)).toEqual(expected);
          }
        }
        await other.close(G, 300);
        expect(await groups.open('', ALL)).toEqual([{ log: G2, n: 1 }]);
      }),
    );

    it(
      'does nothing where nothing is open, and nothing when it comes late',
      withGroups(open, async ({ groups, log, second }) => {
        const late = (await second()).groups;
        await groups.close(G, 10);
        await insertAll(log, openRows(G, 1, 9));
        await groups.close(G, 5);
        for (const upTo of [0, 1, 4, 5]) await late.close(G, upTo);
        expect(await late.open('', ALL)).toEqual([{ log: G, n: 6 }]);
      }),
    );

    it(
      'closes thousands at once, by several that drive the same entries',
      withGroups(open, async ({ groups, log, second }) => {
        const other = (await second()).groups;
        await insertAll(log, openRows(G, 1, 2_000));
        await Promise.all([groups.close(G, 1_990), other.close(G, 1_500), other.close(G, 1_999)]);
        for (const each of [groups, other]) expect(await each.open('', ALL)).toEqual([{ log: G, n: 2_000 }]);
      }),
    );

    it(
      'leaves open what is inserted afterwards',
      withGroups(open, async ({ groups, log, second, reopen }) => {
        const other = await second();
        for (let n = 1; n <= 10; n++) {
          await other.log.insert([openRow(G, n)]);
          expect(await groups.open('', ALL)).toEqual([{ log: G, n }]);
          await groups.close(G, n);
          expect(await other.groups.open('', ALL)).toEqual([]);
        }
        await log.insert([openRow(G, 11)]);
        expect(await (await reopen()).groups.open('', ALL)).toEqual([{ log: G, n: 11 }]);
      }),
    );
  });
}
