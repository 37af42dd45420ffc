import { describe, expect, it } from 'vitest';
import type { NodeRecord, NodeRegistry } from '../node-registry.js';

/** A store made for one test. */
export interface OpenNodeRegistry {
  readonly registry: NodeRegistry;
  /** Another adapter on the same store, as another server node has it. */
  readonly second: () => Promise<NodeRegistry>;
  /** Closes all adapters and opens the store anew. */
  readonly reopen: () => Promise<NodeRegistry>;
  readonly close: () => Promise<void>;
}

export function nodeRecord(nodeId: string, changes: Partial<NodeRecord> = {}): NodeRecord {
  return { nodeId, clientId: null, iat: 0, lastSeen: null, ...changes };
}

/** Every promise of the port `NodeRegistry`, to be run against an adapter. `open` makes an empty store. */
export function nodeRegistryContract(name: string, open: () => Promise<OpenNodeRegistry>): void {
  const test = (title: string, run: (opened: OpenNodeRegistry) => Promise<void>): void =>
    it(title, async () => {
      const opened = await open();
      try {
        await run(opened);
      } finally {
        await opened.close();
      }
    });

  describe(`NodeRegistry of ${name}:`, () => {
    test('finds records in the order asked, and nothing for an unknown node', async ({ registry }) => {
      const [a, b] = [nodeRecord('a', { clientId: 'k', iat: 3, lastSeen: 9 }), nodeRecord('b')];
      await registry.record([a, b]);
      expect(await registry.find(['b', 'nobody', 'a'])).toEqual([b, undefined, a]);
      expect(await registry.find([])).toEqual([]);
    });

    test('follows the highest iat for the client, and the highest time for lastSeen', async ({ registry }) => {
      await registry.record([nodeRecord('a', { clientId: 'k1', iat: 5, lastSeen: 50 })]);
      await registry.record([nodeRecord('a', { clientId: 'k0', iat: 4, lastSeen: 60 })]);
      expect(await registry.find(['a'])).toEqual([nodeRecord('a', { clientId: 'k1', iat: 5, lastSeen: 60 })]);
      await registry.record([nodeRecord('a', { clientId: null, iat: 6, lastSeen: 40 })]);
      expect(await registry.find(['a'])).toEqual([nodeRecord('a', { clientId: null, iat: 6, lastSeen: 60 })]);
    });

    test('loses nothing to a record that knows nothing', async ({ registry }) => {
      const known = nodeRecord('a', { clientId: 'k', iat: 5, lastSeen: 50 });
      await registry.record([known, nodeRecord('a')]);
      await registry.record([nodeRecord('a')]);
      expect(await registry.find(['a'])).toEqual([known]);
    });

    test('ends the same whoever writes last', async ({ registry, second }) => {
      const adapters = [registry, await second()];
      const records = Array.from({ length: 40 }, (_, i) => {
        const iat = ((i * 7) % 40) + 1;
        return nodeRecord('a', { clientId: `k${iat}`, iat, lastSeen: ((i * 11) % 40) + 1 });
      });
      await Promise.all(records.map((record, i) => adapters[i % 2]!.record([record])));
      expect(await registry.find(['a'])).toEqual([nodeRecord('a', { clientId: 'k40', iat: 40, lastSeen: 40 })]);
    });

    test('records thousands at once, for good', async ({ registry, reopen }) => {
      const records = Array.from({ length: 2_000 }, (_, i) => nodeRecord(`n${i}`, { iat: i }));
      await registry.record(records);
      expect(await (await reopen()).find(records.map((record) => record.nodeId))).toEqual(records);
    });

    test('rejects once it is closed', async ({ registry, close }) => {
      await close();
      await expect(registry.find(['a'])).rejects.toThrow();
      await expect(registry.record([nodeRecord('a')])).rejects.toThrow();
    });
  });
}
