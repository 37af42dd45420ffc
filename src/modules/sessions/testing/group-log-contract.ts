import { describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../inbox/index.js';
import type { GroupLog } from '../group-log.js';
import { type GroupLogHarness, groupRecord, G, openRow, stay, withGroups } from './group-log-harness.js';
import { openContract } from './group-log-open-contract.js';
import { projectContract } from './group-log-project-contract.js';
import { stayContract } from './group-log-stay-contract.js';

/** Every promise of the port `GroupLog`, to be run against an adapter. `open` makes an empty store. */
export function groupLogContract(name: string, open: GroupLogHarness): void {
  describe(`GroupLog of ${name}:`, () => {
    projectContract(open);
    stayContract(open);
    openContract(open);

    it(
      'is found as it was after the store was opened anew',
      withGroups(open, async ({ groups, log, reopen }) => {
        await log.insert([openRow(G, 1), openRow(G, 2)]);
        await groups.project(G, [stay('a', 1), stay('b', 1, { left: 2, alias: '~b' })], groupRecord());
        const before = await seenBy(groups);
        expect(before).toMatchObject([{ record: groupRecord() }, [{ joined: 1 }], true, [G], [{ log: G, n: 1 }]]);
        expect(await seenBy((await reopen()).groups)).toEqual(before);
      }),
    );

    it(
      'rejects every call with StoreUnavailable once it is closed',
      withGroups(open, async ({ groups, close }) => {
        await groups.project(G, [stay('a', 1)], groupRecord());
        await close();
        for (const call of everyCall(groups)) await expect(call()).rejects.toBeInstanceOf(StoreUnavailable);
      }),
    );
  });
}

function seenBy(groups: GroupLog): Promise<unknown[]> {
  return Promise.all([
    groups.load(G, 2),
    groups.staysOf(G, 'b'),
    groups.hasAlias(G, '~b'),
    groups.groupsOf('a', '', 10),
    groups.open('', 10),
  ]);
}

function everyCall(groups: GroupLog): Array<() => Promise<unknown>> {
  return [
    () => groups.load(G, 0),
    () => groups.project(G, [stay('a', 1)]),
    () => groups.project(G, [], groupRecord()),
    () => groups.staysOf(G, 'a'),
    () => groups.hasAlias(G, '~a'),
    () => groups.groupsOf('a', '', 1),
    () => groups.open('', 1),
    () => groups.close(G, 1),
  ];
}
