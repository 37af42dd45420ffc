import { describe, expect, it } from 'vitest';
import type { GroupLog, GroupRecord, Stay } from '../group-log.js';
import { G, G2, type GroupLogHarness, groupRecord, sorted, stay, withGroups } from './group-log-harness.js';

/** Stays that one call takes. */
const STAYS_A_CALL = 256;

async function staysIn(groups: GroupLog, log = G, after = 0): Promise<Stay[]> {
  return sorted((await groups.load(log, after)).stays);
}

async function recordOf(groups: GroupLog): Promise<GroupRecord | undefined> {
  return (await groups.load(G, 0)).record;
}

/** What writing and loading promise. */
export function projectContract(open: GroupLogHarness): void {
  describe('load', () => {
    it(
      'knows nothing of a group that was never written',
      withGroups(open, async ({ groups }) => {
        await groups.project(G2, [stay('a', 1)], groupRecord());
        expect(await groups.load(G, 0)).toEqual({ record: undefined, stays: [] });
      }),
    );

    it(
      'gives every field back as it was, to everybody and at once',
      withGroups(open, async ({ groups, second }) => {
        const other = (await second()).groups;
        const stays = [
          stay('a', 1),
          stay('b', 1, { alias: '~b', revealed: 4 }),
          stay('~@a:b.c-d_e', 2, { left: 2 ** 53 - 1, alias: '~c', revealed: 3, issuedAt: 1_700_000_000 }),
        ];
        await groups.project(G, stays, groupRecord({ ended: 2 ** 53 - 1 }));
        for (const each of [groups, other]) {
          expect(await staysIn(each)).toEqual(sorted(stays));
          expect(await recordOf(each)).toEqual(groupRecord({ ended: 2 ** 53 - 1 }));
        }
      }),
    );

    it(
      'leaves out the stays that ended at or before a number',
      withGroups(open, async ({ groups }) => {
        const ended = [3, 4, 5, 6, 100].map((left) => stay(`left-${left}`, 1, { left }));
        await groups.project(G, [...ended, stay('lasts', 2), stay('later', 50)], groupRecord());
        const namesAfter = async (after: number) => (await staysIn(groups, G, after)).map(({ nodeId }) => nodeId);
        expect(await namesAfter(4)).toEqual(['left-100', 'left-5', 'left-6', 'lasts', 'later']);
        expect(await namesAfter(99)).toEqual(['left-100', 'lasts', 'later']);
        expect(await namesAfter(100)).toEqual(['lasts', 'later']);
        expect((await groups.load(G, 100)).record).toEqual(groupRecord());
      }),
    );

    it(
      'keeps each time of a node in the group as a stay of its own',
      withGroups(open, async ({ groups }) => {
        const stays = [
          stay('a', 1, { left: 5, alias: '~x' }),
          stay('a', 7, { left: 9 }),
          stay('a', 11, { alias: '~y' }),
        ];
        await groups.project(G, stays.slice(0, 2), groupRecord());
        await groups.project(G, stays.slice(2));
        expect(await staysIn(groups)).toEqual(stays);
        expect(await staysIn(groups, G, 5)).toEqual(stays.slice(1));
      }),
    );

    it(
      'never mixes groups whose names begin alike',
      withGroups(open, async ({ groups }) => {
        await groups.project(G, [stay('a', 1), stay('ab', 1)], groupRecord());
        await groups.project(G2, [stay('a', 2), stay('b', 2)], groupRecord({ created: '2' }));
        expect(await staysIn(groups)).toEqual([stay('a', 1), stay('ab', 1)]);
        expect(await staysIn(groups, G2)).toEqual([stay('a', 2), stay('b', 2)]);
        expect((await groups.load(G2, 0)).record).toEqual(groupRecord({ created: '2' }));
      }),
    );

    it(
      'answers thousands of stays',
      withGroups(open, async ({ groups }) => {
        const stays = Array.from({ length: 2_000 }, (_, i) => stay(`n${i}`, i + 1, i % 2 ? { left: 3_000 } : {}));
        for (let i = 0; i < stays.length; i += STAYS_A_CALL) {
          await groups.project(G, stays.slice(i, i + STAYS_A_CALL));
        }
        expect(await staysIn(groups)).toEqual(stays);
        expect(await staysIn(groups, G, 3_000)).toEqual(stays.filter(({ left }) => left === null));
      }),
    );
  });

  describe('project', () => {
    it(
      'gives the same rows when it is done again',
      withGroups(open, async ({ groups, second }) => {
        const other = (await second()).groups;
        const stays = [stay('a', 1, { left: 5, alias: '~x', revealed: 3, issuedAt: 9 }), stay('b', 2)];
        for (const each of [groups, other, groups]) await each.project(G, stays, groupRecord({ ended: 7 }));
        expect(await staysIn(groups)).toEqual(stays);
        expect(await recordOf(groups)).toEqual(groupRecord({ ended: 7 }));
        expect(await groups.groupsOf('b', '', 10)).toEqual([G]);
      }),
    );

    it(
      'writes nothing but stays when no record is given, and nothing but the record for no stays',
      withGroups(open, async ({ groups }) => {
        await groups.project(G, [stay('a', 1)]);
        expect(await groups.load(G, 0)).toEqual({ record: undefined, stays: [stay('a', 1)] });
        await groups.project(G, [], groupRecord());
        await groups.project(G, []);
        expect(await groups.load(G, 0)).toEqual({ record: groupRecord(), stays: [stay('a', 1)] });
      }),
    );

    it(
      'changes end, revelation and issue time of a stay that is there',
      withGroups(open, async ({ groups }) => {
        const first = stay('a', 1, { alias: '~x' });
        const states: Array<Partial<Stay>> = [{ revealed: 3 }, { revealed: 3, issuedAt: 8 }, { left: 5, issuedAt: 9 }];
        await groups.project(G, [first]);
        for (const state of states) await groups.project(G, [{ ...first, ...state }]);
        expect(await staysIn(groups)).toEqual([{ ...first, revealed: 3, issuedAt: 9, left: 5 }]);
      }),
    );

    it(
      'changes nothing else of a stay that is there',
      withGroups(open, async ({ groups }) => {
        await groups.project(G, [stay('a', 1, { alias: '~x' })]);
        await groups.project(G, [stay('a', 1, { alias: '~y', left: 4 })]);
        expect(await staysIn(groups)).toEqual([stay('a', 1, { alias: '~x', left: 4 })]);
        expect(await groups.hasAlias(G, '~x')).toBe(true);
      }),
    );

    it(
      'takes nothing back for a late writer',
      withGroups(open, async ({ groups, second }) => {
        const late = (await second()).groups;
        const newest = stay('a', 1, { alias: '~x', left: 9, revealed: 5, issuedAt: 20 });
        await groups.project(G, [newest], groupRecord({ ended: 30 }));
        const states: Array<Partial<Stay>> = [
          { left: null, revealed: null, issuedAt: 0 },
          { left: 8, revealed: 4, issuedAt: 19 },
          { left: 9, revealed: null, issuedAt: 20 },
        ];
        for (const state of states) await late.project(G, [{ ...newest, ...state }], groupRecord());
        await late.project(G, [], groupRecord({ ended: 29 }));
        for (const each of [groups, late]) {
          expect(await staysIn(each)).toEqual([newest]);
          expect(await recordOf(each)).toEqual(groupRecord({ ended: 30 }));
          expect(await each.groupsOf('a', '', 10)).toEqual([]);
          expect(await staysIn(each, G, 9)).toEqual([]);
        }
      }),
    );

    it(
      'raises what is there, each on its own',
      withGroups(open, async ({ groups }) => {
        await groups.project(G, [stay('a', 1, { left: 9, revealed: 5, issuedAt: 20 })], groupRecord({ ended: 30 }));
        await groups.project(G, [stay('a', 1, { left: 10, revealed: 4, issuedAt: 21 })], groupRecord({ ended: 31 }));
        expect(await staysIn(groups)).toEqual([stay('a', 1, { left: 10, revealed: 5, issuedAt: 21 })]);
        expect(await staysIn(groups, G, 9)).toHaveLength(1);
        expect(await staysIn(groups, G, 10)).toEqual([]);
        expect(await recordOf(groups)).toEqual(groupRecord({ ended: 31 }));
      }),
    );

    it(
      'keeps what a record says of the beginning',
      withGroups(open, async ({ groups }) => {
        await groups.project(G, [], groupRecord());
        await groups.project(G, [], groupRecord({ created: 'other', createdAt: 1, ended: 4 }));
        expect(await recordOf(groups)).toEqual(groupRecord({ ended: 4 }));
      }),
    );

    it(
      'brings together what several write of the same stays at once',
      withGroups(open, async ({ groups, second }) => {
        const writers = [groups, (await second()).groups];
        const nodes = Array.from({ length: 20 }, (_, i) => `n${i}`);
        const states: Array<Partial<Stay>> = [{}, { left: 9 }, { revealed: 4 }, { issuedAt: 7 }, { left: 3 }, {}];
        const writing = states.map((state, i) => {
          const stays = nodes.map((nodeId) => stay(nodeId, 1, { alias: `~${nodeId}`, ...state }));
          return writers[i % 2]!.project(G, i % 2 ? stays.toReversed() : stays, groupRecord({ ended: i || null }));
        });
        await Promise.all(writing);
        const expected = nodes.map((nodeId) =>
          stay(nodeId, 1, { alias: `~${nodeId}`, left: 9, revealed: 4, issuedAt: 7 }),
        );
        for (const each of writers) {
          expect(await staysIn(each)).toEqual(sorted(expected));
          expect(await recordOf(each)).toEqual(groupRecord({ ended: 5 }));
          expect(await each.groupsOf('n0', '', 10)).toEqual([]);
        }
      }),
    );

    it(
      'takes as many stays as it says, ends of them too',
      withGroups(open, async ({ groups }) => {
        const stays = Array.from({ length: STAYS_A_CALL }, (_, i) => stay(`n${i}`, i + 1, { alias: `~${i}` }));
        await groups.project(G, stays, groupRecord());
        const ended = stays.map((each) => ({ ...each, left: 1_000 }));
        await groups.project(G, ended, groupRecord());
        expect(await staysIn(groups)).toEqual(ended);
        expect(await staysIn(groups, G, 1_000)).toEqual([]);
      }),
    );
  });
}
