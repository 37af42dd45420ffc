import { describe, expect, it } from 'vitest';
import { sessionLogOf } from '../../inbox/index.js';
import { G, G2, type GroupLogHarness, stay, withGroups } from './group-log-harness.js';

/** What is found of stays by node and by alias. */
export function stayContract(open: GroupLogHarness): void {
  describe('staysOf', () => {
    it(
      'answers all stays of one node in one group, the oldest first',
      withGroups(open, async ({ groups, second }) => {
        const stays = [2, 9, 10, 11, 100].map((joined) => stay('a', joined, { left: joined + 1, alias: `~${joined}` }));
        for (const each of [...stays, stay('a', 1_000)].toReversed()) await groups.project(G, [each]);
        await groups.project(G, [stay('ab', 3), stay('b', 4)]);
        await groups.project(G2, [stay('a', 5)]);
        for (const each of [groups, (await second()).groups]) {
          expect(await each.staysOf(G, 'a')).toEqual([...stays, stay('a', 1_000)]);
          expect(await each.staysOf(G, 'ab')).toEqual([stay('ab', 3)]);
          expect(await each.staysOf(G, 'nobody')).toEqual([]);
          expect(await each.staysOf(sessionLogOf('none'), 'a')).toEqual([]);
        }
      }),
    );
  });

  describe('hasAlias', () => {
    it(
      'finds the aliases of one group, those of ended stays and of revealed members too',
      withGroups(open, async ({ groups, second }) => {
        const stays = [
          stay('a', 1, { alias: '~a' }),
          stay('b', 1, { alias: '~b', left: 2 }),
          stay('c', 1, { alias: '~c', revealed: 2 }),
          stay('d', 1),
        ];
        await groups.project(G, stays);
        await groups.project(G2, [stay('e', 1, { alias: '~e' })]);
        const other = (await second()).groups;
        for (const alias of ['~a', '~b', '~c']) expect(await other.hasAlias(G, alias)).toBe(true);
        for (const alias of ['~e', '~d', 'd', 'a', '~', '~aa']) expect(await other.hasAlias(G, alias)).toBe(false);
        expect(await groups.hasAlias(G2, '~a')).toBe(false);
      }),
    );

    it(
      'still finds an alias when its stay has ended meanwhile',
      withGroups(open, async ({ groups }) => {
        await groups.project(G, [stay('a', 1, { alias: '~a' })]);
        await groups.project(G, [stay('a', 1, { alias: '~a', left: 7 }), stay('a', 8, { alias: '~b' })]);
        expect([await groups.hasAlias(G, '~a'), await groups.hasAlias(G, '~b')]).toEqual([true, true]);
      }),
    );
  });

  describe('groupsOf', () => {
    it(
      'answers the groups in which a stay of the node lasts, page by page',
      withGroups(open, async ({ groups, second }) => {
        const logs = Array.from({ length: 12 }, (_, i) => sessionLogOf(String.fromCodePoint(97 + i)));
        for (const log of logs.toReversed()) await groups.project(log, [stay('a', 1), stay('ab', 1), stay('b', 1)]);
        await groups.project('c:a', [stay('a', 1, { issuedAt: 3 })]);
        const all = ['c:a', ...logs];
        for (const each of [groups, (await second()).groups]) {
          expect(await each.groupsOf('a', '', 100)).toEqual(all);
          expect(await each.groupsOf('a', '', 5)).toEqual(all.slice(0, 5));
          expect(await each.groupsOf('a', all[4]!, 5)).toEqual(all.slice(5, 10));
          expect(await each.groupsOf('a', `${all[4]!}x`, 5)).toEqual(all.slice(5, 10));
          expect(await each.groupsOf('a', all.at(-1)!, 5)).toEqual([]);
          expect(await each.groupsOf('b', '', 100)).toEqual(logs);
          expect(await each.groupsOf('nobody', '', 5)).toEqual([]);
        }
      }),
    );

    it(
      'leaves a group out once the stay has ended, and has it again with the next',
      withGroups(open, async ({ groups, second }) => {
        const other = (await second()).groups;
        await groups.project(G, [stay('a', 1)]);
        await groups.project(G2, [stay('a', 1, { left: 2 })]);
        expect(await other.groupsOf('a', '', 10)).toEqual([G]);
        await other.project(G, [stay('a', 1, { left: 4 })]);
        expect(await groups.groupsOf('a', '', 10)).toEqual([]);
        await groups.project(G, [stay('a', 9)]);
        expect(await other.groupsOf('a', '', 10)).toEqual([G]);
        await other.project(G, [stay('a', 1)]);
        expect(await groups.groupsOf('a', '', 10)).toEqual([G]);
      }),
    );

    it(
      'names a group once, though the end of an older stay comes late',
      withGroups(open, async ({ groups }) => {
        await groups.project(G, [stay('a', 1), stay('a', 5), stay('a', 9)]);
        await groups.project(G2, [stay('a', 1)]);
        expect(await groups.groupsOf('a', '', 2)).toEqual([G, G2]);
        await groups.project(G, [stay('a', 1, { left: 2 }), stay('a', 5, { left: 6 })]);
        expect(await groups.groupsOf('a', '', 2)).toEqual([G, G2]);
        expect(await groups.groupsOf('a', G, 2)).toEqual([G2]);
      }),
    );
  });
}
