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

function byConnection(rows: readonly ConnectionRow[] = []): ConnectionRow[] {
  return rows.toSorted((one, other) => (one.connectionId < other.connectionId ? -1 : 1));
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
      await directory.forgetBoot('boot-2');
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

    test('shows one that moves, and gives its place to another', async ({ directory, second }) => {
      const [moving, next] = [connectionRow('a', 'c1', { moving: true }), connectionRow('a', 'c2')];
      expect(await directory.register(connectionRow('a', 'c1'), 1)).toBe(true);
      expect(await directory.register(next, 1)).toBe(false);
      expect(await directory.register(moving, 1)).toBe(true);
      expect(await directory.register(next, 1)).toBe(true);
      expect(await directory.register(connectionRow('a', 'c3'), 1)).toBe(false);
      expect(await (await second()).of(['a'])).toEqual([[moving, next]]);
      await directory.unregister('a', 'c1');
      expect(await directory.of(['a'])).toEqual([[next]]);
      expect(await directory.register(connectionRow('a', 'c3'), 1)).toBe(false);
    });

    test('shows one to every look-up, and once, while it begins to move', async ({ directory, second }) => {
      const other = await second();
      const nodeIds = Array.from({ length: 40 }, (_, i) => `n${i}`);
      for (const nodeId of nodeIds) await directory.register(connectionRow(nodeId, 'c'), 1);
      let begun = 0;
      const begin = async (nodeId: string): Promise<void> => {
        await directory.register(connectionRow(nodeId, 'c', { moving: true }), 1);
        begun += 1;
      };
      const moves = Promise.all(nodeIds.map(begin));
      while (begun < nodeIds.length) {
        expect((await other.of(nodeIds)).map((rows) => rows.map(({ connectionId }) => connectionId))).toEqual(
          nodeIds.map(() => ['c']),
        );
        // A store in this process answers within the turn: the moves need one of their own.
        await new Promise(setImmediate);
      }
      await moves;
      expect((await other.of(nodeIds)).flat().every(({ moving }) => moving)).toBe(true);
    });

    test('refuses none that moves, however many there are and however often it is said', async ({ directory }) => {
      const rows = Array.from({ length: 20 }, (_, i) =>
        connectionRow('a', `c${String(i).padStart(2, '0')}`, { moving: true }),
      );
      for (const row of rows) expect(await directory.register(row, 1)).toBe(true);
      const anew = { ...rows[0]!, bootId: 'boot-2' };
      expect(await directory.register(anew, 1)).toBe(true);
      expect(byConnection((await directory.of(['a']))[0])).toEqual([anew, ...rows.slice(1)]);
    });

    test('keeps the limit while places are left and taken at once', async ({ directory, second }) => {
      const adapters = [directory, await second()];
      for (let i = 0; i < 5; i += 1) await directory.register(connectionRow('a', `old${i}`), 5);
      const leaves = Array.from({ length: 3 }, (_, i) => connectionRow('a', `old${i}`, { moving: true }));
      const comes = Array.from({ length: 20 }, (_, i) => connectionRow('a', `new${i}`));
      await Promise.all([...leaves, ...comes].map((row, i) => adapters[i % 2]!.register(row, 5)));
      for (const row of comes) await directory.register(row, 5);
      const [rows = []] = await directory.of(['a']);
      expect(rows.filter(({ moving }) => moving)).toHaveLength(3);
      expect(rows.filter(({ moving }) => !moving)).toHaveLength(5);
    });

    test('names the runs that registered something, and forgets one of them', async ({ directory, second }) => {
      const other = await second();
      expect(await directory.boots()).toEqual([]);
      const kept = [connectionRow('a', 'c2', { bootId: 'boot-2' }), connectionRow('a', 'c3', { bootId: 'boot-3' })];
      const moves = connectionRow('b', 'c2', { moving: true });
      for (const row of [connectionRow('a', 'c1'), ...kept, connectionRow('b', 'c1'), moves])
        await directory.register(row, 10);
      expect((await other.boots()).toSorted()).toEqual(['boot-1', 'boot-2', 'boot-3']);
      expect(await other.forgetBoot('boot-1')).toBe(3);
      expect(await directory.of(['a', 'b'])).toEqual([kept, []]);
      expect(await directory.forgetBoot('boot-1')).toBe(0);
      expect((await directory.boots()).toSorted()).toEqual(['boot-2', 'boot-3']);
    });

    test('forgets thousands, whoever does it at the same time, and leaves what was registered anew', async (opened) => {
      const { directory, second } = opened;
      const rows = Array.from({ length: 2_000 }, (_, i) => connectionRow(`n${i}`, `c${i}`));
      await Promise.all(rows.map((row) => directory.register(row, 10)));
      const anew = connectionRow('n7', 'c7', { bootId: 'boot-2' });
      await directory.register(anew, 10);
      const counts = await Promise.all([directory, await second()].map((each) => each.forgetBoot('boot-1')));
      expect(counts.reduce((sum, count) => sum + count)).toBe(1_999);
      expect((await directory.of(rows.map((row) => row.nodeId))).flat()).toEqual([anew]);
      expect(await directory.boots()).toEqual(['boot-2']);
    });

    test('rejects once it is closed', async ({ directory, close }) => {
      await close();
      await expect(directory.register(connectionRow('a', 'c1'), 1)).rejects.toThrow();
      await expect(directory.unregister('a', 'c1')).rejects.toThrow();
      await expect(directory.of(['a'])).rejects.toThrow();
      await expect(directory.find('c1')).rejects.toThrow();
      await expect(directory.boots()).rejects.toThrow();
      await expect(directory.forgetBoot('boot-1')).rejects.toThrow();
    });
  });
}
