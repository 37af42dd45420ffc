import { describe, expect, it } from 'vitest';
import type { ConnectionRow, Directory } from '../directory.js';

/** A store made for one test. */
export interface OpenDirectory {
  readonly directory: Directory;
  /** Another adapter on the same store, as another server node has it. */
  readonly second: () => Promise<Directory>;
  readonly close: () => Promise<void>;
}

export function connectionRow(
  nodeId: string,
  connectionId: string,
  changes: Partial<ConnectionRow> = {},
): ConnectionRow {
  return { nodeId, connectionId, serverNodeId: '~s1', bootId: 'boot-1', since: 1_700_000_000_000, ...changes };
}

/** Every promise of the port `Directory`, to be run against an adapter. `open` makes an empty store. */
export function directoryContract(name: string, open: () => Promise<OpenDirectory>): void {
  const test = (title: string, run: (opened: OpenDirectory) => Promise<void>): void =>
    it(title, async () => {
      const opened = await open();
      try {
        await run(opened);
      } finally {
        await opened.close();
      }
    });

  describe(`Directory of ${name}:`, () => {
    test('shows a registered connection to everybody at once', async ({ directory, second }) => {
      const row = connectionRow('a', 'c1');
      expect(await directory.register(row, 10)).toBe(true);
      expect(await (await second()).of(['a'])).toEqual([[row]]);
    });

    test('answers in the order asked, and nothing for a node without connections', async ({ directory }) => {
      const [a1, a2, b1] = [connectionRow('a', 'c1'), connectionRow('a', 'c2'), connectionRow('b', 'c1')];
      for (const row of [a1, a2, b1]) await directory.register(row, 10);
      expect(await directory.of(['b', 'nobody', 'a'])).toEqual([[b1], [], [a1, a2]]);
      expect(await directory.of([])).toEqual([]);
    });

    test('finds a connection by its id alone, as long as it is there', async ({ directory, second }) => {
      const [one, other] = [
        connectionRow('a', 'c1'),
        connectionRow('b', 'c2', { serverNodeId: '~s2', bootId: 'boot-2' }),
      ];
      for (const row of [one, other, connectionRow('a', 'c3')]) await directory.register(row, 10);
      const elsewhere = await second();
      expect(await Promise.all([directory.find('c1'), elsewhere.find('c2'), directory.find('c9')])).toEqual([
        one,
        other,
        undefined,
      ]);
      await directory.unregister('a', 'c1');
      await directory.forgetOtherBoots('~s2', 'boot-3');
      expect([await directory.find('c1'), await directory.find('c2')]).toEqual([undefined, undefined]);
      expect(await elsewhere.find('c3')).toEqual(connectionRow('a', 'c3'));
    });

    test('keeps a node within its limit, and frees the place of one that goes', async ({ directory }) => {
      expect(await directory.register(connectionRow('a', 'c1'), 2)).toBe(true);
      expect(await directory.register(connectionRow('a', 'c2'), 2)).toBe(true);
      expect(await directory.register(connectionRow('a', 'c3'), 2)).toBe(false);
      expect(await directory.of(['a'])).toEqual([[connectionRow('a', 'c1'), connectionRow('a', 'c2')]]);
      await directory.unregister('a', 'c1');
      expect(await directory.register(connectionRow('a', 'c3'), 2)).toBe(true);
    });

    test('never exceeds the limit, however many register at once', async ({ directory, second }) => {
      const adapters = [directory, await second()];
      const tries = Array.from({ length: 30 }, (_, i) => adapters[i % 2]!.register(connectionRow('a', `c${i}`), 7));
      expect((await Promise.all(tries)).filter(Boolean)).toHaveLength(7);
      expect((await directory.of(['a']))[0]).toHaveLength(7);
    });

    test('fills every node up to its limit and no further when many come to many at once', async (opened) => {
      const adapters = [opened.directory, await opened.second()];
      const nodeIds = Array.from({ length: 40 }, (_, i) => `n${i}`);
      const rows = Array.from({ length: 8 }, (_, i) => nodeIds.map((nodeId) => connectionRow(nodeId, `c${i}`))).flat();
      const tries = rows.map((row, i) => adapters[i % 3 === 0 ? 0 : 1]!.register(row, 3));
      expect((await Promise.all(tries)).filter(Boolean)).toHaveLength(3 * nodeIds.length);
      expect((await opened.directory.of(nodeIds)).map(({ length }) => length)).toEqual(nodeIds.map(() => 3));
    });

    test('does what is asked of one connection in its order, however much is asked at once', async ({ directory }) => {
      const rows = Array.from({ length: 100 }, (_, i) => connectionRow(`n${i % 50}`, `c${i}`));
      const come = (row: ConnectionRow): Promise<unknown> => directory.register(row, 10);
      const go = (row: ConnectionRow): Promise<unknown> => directory.unregister(row.nodeId, row.connectionId);
      await Promise.all(rows.flatMap((row) => [come(row), go(row)]));
      const nodeIds = rows.slice(0, 50).map((row) => row.nodeId);
      expect((await directory.of(nodeIds)).flat()).toEqual([]);
      await Promise.all(rows.flatMap((row) => [come(row), go(row), come(row)]));
      expect((await directory.of(nodeIds)).flat()).toHaveLength(100);
    });

    test('takes the same connection twice as one', async ({ directory }) => {
      const later = connectionRow('a', 'c1', { bootId: 'boot-2' });
      await directory.register(connectionRow('a', 'c1'), 1);
      expect(await directory.register(later, 1)).toBe(true);
      expect(await directory.of(['a'])).toEqual([[later]]);
    });

    test('does nothing for one that is not there', async ({ directory }) => {
      await directory.register(connectionRow('a', 'c1'), 10);
      await directory.unregister('a', 'c2');
      await directory.unregister('nobody', 'c1');
      expect(await directory.of(['a'])).toEqual([[connectionRow('a', 'c1')]]);
    });

    test('forgets what a server node registered in other runs, and nothing else', async ({ directory }) => {
      const kept = [
        connectionRow('a', 'c2', { bootId: 'boot-2' }),
        connectionRow('a', 'c3', { serverNodeId: '~s2', bootId: 'boot-1' }),
      ];
      for (const row of [connectionRow('a', 'c1'), ...kept, connectionRow('b', 'c1')])
        await directory.register(row, 10);
      expect(await directory.forgetOtherBoots('~s1', 'boot-2')).toBe(2);
      expect(await directory.of(['a', 'b'])).toEqual([kept, []]);
      expect(await directory.forgetOtherBoots('~s1', 'boot-2')).toBe(0);
    });

    test('forgets thousands', async ({ directory }) => {
      const rows = Array.from({ length: 2_000 }, (_, i) => connectionRow(`n${i}`, `c${i}`));
      await Promise.all(rows.map((row) => directory.register(row, 10)));
      expect(await directory.forgetOtherBoots('~s1', 'boot-2')).toBe(2_000);
      expect((await directory.of(rows.map((row) => row.nodeId))).flat()).toEqual([]);
    });

    test('rejects once it is closed', async ({ directory, close }) => {
      await close();
      await expect(directory.register(connectionRow('a', 'c1'), 1)).rejects.toThrow();
      await expect(directory.unregister('a', 'c1')).rejects.toThrow();
      await expect(directory.of(['a'])).rejects.toThrow();
      await expect(directory.find('c1')).rejects.toThrow();
      await expect(directory.forgetOtherBoots('~s1', 'boot-2')).rejects.toThrow();
    });
  });
}
