import { describe, expect, it } from 'vitest';
import type { ServerNodeRow, ServerNodes } from '../server-nodes.js';
import { serverNodeRow } from './server-node-rows.js';

/** A store made for one test. */
export interface OpenServerNodes {
  readonly serverNodes: ServerNodes;
  /** Another adapter on the same store, as another server node has it. */
  readonly second: () => Promise<ServerNodes>;
  readonly close: () => Promise<void>;
}

const A = 'localhost:1';
const B = '[::1]:2';
const LOAD = { connections: 7, lagMs: 12, closed: true };

function proposal(serverNodeId: string, address: string, bootId: string): Omit<ServerNodeRow, 'beat'> {
  const { beat: _beat, ...rest } = serverNodeRow({ serverNodeId, address, bootId, proxyHost: 'ws.example.com' });
  return rest;
}

const byAddress = (rows: readonly ServerNodeRow[]): ServerNodeRow[] =>
  rows.toSorted((one, other) => (one.address < other.address ? -1 : 1));

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
    test('gives a new address the proposed id, and shows all that was told to everybody at once', async (opened) => {
      const { serverNodes, second } = opened;
      const told = proposal('~s1', A, 'boot-1');
      const row = await serverNodes.succeed(told);
      expect(row).toEqual({ ...told, beat: expect.any(Number) });
      const other = await second();
      expect(await other.find(A)).toEqual(row);
      expect(await other.all()).toEqual([row]);
    });

    test('keeps the id of an address for its next run, and nothing else of the last', async (opened) => {
      const { serverNodes, second } = opened;
      await serverNodes.succeed(proposal('~s1', A, 'boot-1'));
      await serverNodes.beat('~s1', 'boot-1', LOAD);
      const told = { ...proposal('~s2', A, 'boot-2'), baseUrl: 'https://b.example', proxyHost: null, capacity: 5 };
      const next = await (await second()).succeed(told);
      expect(next).toEqual({ ...told, serverNodeId: '~s1', beat: expect.any(Number) });
      expect(await serverNodes.all()).toEqual([next]);
    });

    test('gives other addresses ids of their own, and shows them all', async ({ serverNodes }) => {
      const one = await serverNodes.succeed(proposal('~s1', A, 'boot-1'));
      const other = await serverNodes.succeed(proposal('~s2', B, 'boot-2'));
      expect([one.serverNodeId, other.serverNodeId]).toEqual(['~s1', '~s2']);
      expect(byAddress(await serverNodes.all())).toEqual(byAddress([one, other]));
    });

    test('agrees on one id and on one run when two come at once', async ({ serverNodes, second }) => {
      const other = await second();
      const rows = await Promise.all([
        serverNodes.succeed(proposal('~s1', A, 'boot-1')),
        other.succeed(proposal('~s2', A, 'boot-2')),
      ]);
      const [row, ...more] = await serverNodes.all();
      expect(more).toEqual([]);
      expect(rows.map(({ serverNodeId }) => serverNodeId)).toEqual([row?.serverNodeId, row?.serverNodeId]);
      const beats = rows.map(({ serverNodeId, bootId }) => serverNodes.beat(serverNodeId, bootId, LOAD));
      const stands = rows.map(({ bootId }) => bootId === row?.bootId);
      expect(await Promise.all(beats)).toEqual(stands);
      expect(stands.filter(Boolean)).toHaveLength(1);
    });

    test('raises the heartbeat each time, and writes the load down', async ({ serverNodes, second }) => {
      const row = await serverNodes.succeed(proposal('~s1', A, 'boot-1'));
      expect(await serverNodes.beat('~s1', 'boot-1', LOAD)).toBe(true);
      const other = await second();
      const once = (await other.find(A))!;
      expect(once).toEqual({ ...row, ...LOAD, beat: once.beat });
      expect(once.beat).toBeGreaterThan(row.beat);
      expect(await serverNodes.beat('~s1', 'boot-1', { ...LOAD, closed: false })).toBe(true);
      const twice = (await other.find(A))!;
      expect([twice.closed, twice.beat > once.beat]).toEqual([false, true]);
    });

    test('tells a run whose address belongs to another by its next heartbeat, and changes nothing', async (opened) => {
      const { serverNodes, second } = opened;
      await serverNodes.succeed(proposal('~s1', A, 'boot-1'));
      const next = await (await second()).succeed(proposal('~s2', A, 'boot-2'));
      expect(await serverNodes.beat('~s1', 'boot-1', LOAD)).toBe(false);
      await serverNodes.release('~s1', 'boot-1');
      expect(await serverNodes.all()).toEqual([next]);
    });

    test('knows nothing of an address that was never taken, and beats for nobody', async ({ serverNodes }) => {
      expect(await serverNodes.find(A)).toBeUndefined();
      expect(await serverNodes.all()).toEqual([]);
      expect(await serverNodes.beat('~s1', 'boot-1', LOAD)).toBe(false);
      await serverNodes.release('~s1', 'boot-1');
      expect(await serverNodes.all()).toEqual([]);
    });

    test('knows nothing of one that left, which has no heartbeat any more', async ({ serverNodes, second }) => {
      await serverNodes.succeed(proposal('~s1', A, 'boot-1'));
      const stays = await serverNodes.succeed(proposal('~s2', B, 'boot-2'));
      await serverNodes.release('~s1', 'boot-1');
      expect(await (await second()).find(A)).toBeUndefined();
      expect(await serverNodes.all()).toEqual([stays]);
      expect(await serverNodes.beat('~s1', 'boot-1', LOAD)).toBe(false);
      const back = await serverNodes.succeed(proposal('~s3', A, 'boot-3'));
      expect(back.serverNodeId).toBe('~s3');
    });

    test('releases what stands still, and nothing whose heartbeat has risen since', async ({ serverNodes, second }) => {
      const seen = await serverNodes.succeed(proposal('~s1', A, 'boot-1'));
      const observer = await second();
      await serverNodes.beat('~s1', 'boot-1', LOAD);
      await observer.release('~s1', 'boot-1', seen.beat);
      const row = (await serverNodes.find(A))!;
      expect(row.bootId).toBe('boot-1');
      await Promise.all([observer, serverNodes].map((each) => each.release('~s1', 'boot-1', row.beat)));
      expect(await serverNodes.find(A)).toBeUndefined();
    });

    test('either releases or lets the heartbeat through when both come at once', async ({ serverNodes, second }) => {
      const observer = await second();
      for (let round = 0; round < 20; round += 1) {
        const bootId = `boot-${round}`;
        const { serverNodeId, beat } = await serverNodes.succeed(proposal('~s1', A, bootId));
        const both = [serverNodes.beat(serverNodeId, bootId, LOAD), observer.release(serverNodeId, bootId, beat)];
        const [isThrough] = await Promise.all(both);
        expect((await serverNodes.find(A)) !== undefined).toBe(isThrough);
      }
    });

    test('says that the store is unavailable once it is closed', async ({ serverNodes, close }) => {
      await close();
      const away = { name: 'StoreUnavailable' };
      await expect(serverNodes.find(A)).rejects.toMatchObject(away);
      await expect(serverNodes.succeed(proposal('~s1', A, 'boot-1'))).rejects.toMatchObject(away);
      await expect(serverNodes.beat('~s1', 'boot-1', LOAD)).rejects.toMatchObject(away);
      await expect(serverNodes.all()).rejects.toMatchObject(away);
      await expect(serverNodes.release('~s1', 'boot-1')).rejects.toMatchObject(away);
    });
  });
}
