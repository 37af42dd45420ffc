import { describe, expect, it } from 'vitest';
import type { ServerNodeRow, ServerNodes } from '../server-nodes.js';

/** A store made for one test. */
export interface OpenServerNodes {
  readonly serverNodes: ServerNodes;
  /** Another adapter on the same store, as another server node has it. */
  readonly second: () => Promise<ServerNodes>;
  readonly close: () => Promise<void>;
}

function proposal(serverNodeId: string, address: string, bootId: string): ServerNodeRow {
  return { serverNodeId, address, bootId };
}

/** Every promise of the port `ServerNodes`, to be run against an adapter. `open` makes an empty store. */
export function serverNodesContract(name: string, open: () => Promise<OpenServerNodes>): void {
  const test = (title: string, run: (opened: OpenServerNodes) => Promise<void>): void =>
    it(title, async () => {
      const opened = await open();
      try {
        await run(opened);
      } finally {
        await opened.close();
      }
    });

  describe(`ServerNodes of ${name}:`, () => {
    test('gives a new address the proposed id', async ({ serverNodes }) => {
      const row = proposal('~s1', 'localhost:1', 'boot-1');
      expect(await serverNodes.succeed(row)).toEqual(row);
    });

    test('keeps the id of an address for its next run', async ({ serverNodes, second }) => {
      await serverNodes.succeed(proposal('~s1', 'localhost:1', 'boot-1'));
      const next = await (await second()).succeed(proposal('~s2', 'localhost:1', 'boot-2'));
      expect(next).toEqual(proposal('~s1', 'localhost:1', 'boot-2'));
    });

    test('gives other addresses ids of their own', async ({ serverNodes }) => {
      await serverNodes.succeed(proposal('~s1', 'localhost:1', 'boot-1'));
      const other = proposal('~s2', 'localhost:2', 'boot-2');
      expect(await serverNodes.succeed(other)).toEqual(other);
    });

    test('agrees on one id when two come at once', async ({ serverNodes, second }) => {
      const other = await second();
      const rows = await Promise.all([
        serverNodes.succeed(proposal('~s1', 'localhost:1', 'boot-1')),
        other.succeed(proposal('~s2', 'localhost:1', 'boot-2')),
      ]);
      expect(rows[0].serverNodeId).toBe(rows[1].serverNodeId);
    });

    test('rejects once it is closed', async ({ serverNodes, close }) => {
      await close();
      await expect(serverNodes.succeed(proposal('~s1', 'localhost:1', 'boot-1'))).rejects.toThrow();
    });
  });
}
