import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { type EndOrder, ForcedEnds } from '../auth/index.js';
import { keysEnd, MemoryEndOrders } from '../auth/testing/index.js';
import { ServerNode, type ServerNodeRow, ServerNodes } from '../nodes/index.js';
import { ConnectionHooks } from './connections.hooks.js';
import { ConnectionsService } from './connections.service.js';
import type { LiveConnection } from './connections.types.js';
import { type ConnectionRow, Directory } from './directory.js';

class MemoryDirectory extends Directory {
  rows: ConnectionRow[] = [];
  losesAnswers = false;
  isAway = false;

  register(row: ConnectionRow, limit: number): Promise<boolean> {
    if (this.rows.filter(({ nodeId }) => nodeId === row.nodeId).length >= limit) return Promise.resolve(false);
    this.rows.push(row);
    return this.losesAnswers ? Promise.reject(new Error('the answer was lost')) : Promise.resolve(true);
  }

  unregister(nodeId: string, connectionId: string): Promise<void> {
    if (this.isAway) return Promise.reject(new Error('the store is away'));
    this.rows = this.rows.filter((row) => row.nodeId !== nodeId || row.connectionId !== connectionId);
    return Promise.resolve();
  }

  of(nodeIds: readonly string[]): Promise<ConnectionRow[][]> {
    return Promise.resolve(nodeIds.map((nodeId) => this.rows.filter((row) => row.nodeId === nodeId)));
  }

  find(connectionId: string): Promise<ConnectionRow | undefined> {
    return Promise.resolve(this.rows.find((row) => row.connectionId === connectionId));
  }

  forgetOtherBoots(serverNodeId: string, bootId: string): Promise<number> {
    const before = this.rows.length;
    this.rows = this.rows.filter((row) => row.serverNodeId !== serverNodeId || row.bootId === bootId);
    return Promise.resolve(before - this.rows.length);
  }
}

class OwnAddress extends ServerNodes {
  succeed(row: ServerNodeRow): Promise<ServerNodeRow> {
    return Promise.resolve({ ...row, serverNodeId: '~sHere' });
  }
}

let directory: MemoryDirectory;
let connections: ConnectionsService;
let serverNode: ServerNode;
let hooks: ConnectionHooks;
let told: string[];
let orders: MemoryEndOrders;
let ends: ForcedEnds;
let closes: unknown[][];

function connection(connectionId: string, nodeId = 'a', key: Partial<LiveConnection> = {}): LiveConnection {
  const close: LiveConnection['close'] = (...end) => void closes.push([connectionId, ...end]);
  return { connectionId, nodeId, clientId: null, kid: null, issuedAt: 100, send: () => {}, close, ...key };
}

function elsewhere(connectionId: string, nodeId = 'a'): void {
  directory.rows.push({ nodeId, connectionId, serverNodeId: '~sThere', bootId: 'other', since: 0 });
}

beforeEach(async () => {
  directory = new MemoryDirectory();
  hooks = new ConnectionHooks(new ManualClock());
  serverNode = new ServerNode(new OwnAddress());
  await serverNode.claim('127.0.0.1:8080');
  closes = [];
  orders = new MemoryEndOrders();
  ends = new ForcedEnds(orders, new ManualClock());
  connections = new ConnectionsService(directory, serverNode, { perNode: 2 }, ends, new ManualClock(), hooks);
  told = [];
  hooks.onConnect(({ connectionId, nodeId }) => told.push(`${nodeId} ${connectionId} is here`));
  hooks.onDisconnect(({ connectionId, nodeId }) => told.push(`${nodeId} ${connectionId} is gone`));
});

describe('hooks of connections', () => {
  it('are told once of each connection that came, and once when it has gone', async () => {
    const [one, two] = [connection('c1'), connection('c2')];
    await connections.open(one);
    expect(told).toEqual(['a c1 is here']);
    await connections.open(two);
    await connections.closed(one);
    await connections.closed(one);
    expect(told).toEqual(['a c1 is here', 'a c2 is here', 'a c1 is gone']);
  });

  it('hear that it has gone also while the store is away', async () => {
    const one = connection('c1');
    await connections.open(one);
    directory.isAway = true;
    await expect(connections.closed(one)).rejects.toThrow();
    expect(told).toEqual(['a c1 is here', 'a c1 is gone']);
  });

  it('hear nothing of one that was not let in', async () => {
    for (const id of ['c1', 'c2', 'c3']) await connections.open(connection(id));
    await connections.closed(connection('c3'));
    expect(told).toEqual(['a c1 is here', 'a c2 is here']);
  });

  it('harm nobody by what they throw', async () => {
    hooks.onConnect(() => {
      throw new Error('broken');
    });
    expect(await connections.open(connection('c1'))).toBe(true);
    expect(connections.size).toBe(1);
  });
});

describe('ConnectionsService', () => {
  it('holds a connection here and registers it for the cluster until it is closed', async () => {
    const one = connection('c1');
    expect(await connections.open(one)).toBe(true);
    expect([...connections.here('a')]).toEqual([one]);
    const [rows] = await connections.everywhere(['a']);
    expect(rows).toMatchObject([{ connectionId: 'c1', serverNodeId: '~sHere', bootId: serverNode.bootId }]);
    await connections.closed(one);
    expect([connections.here('a').size, connections.size, directory.rows.length]).toEqual([0, 0, 0]);
  });

  it('refuses one too many and holds nothing of it', async () => {
    await connections.open(connection('c1'));
    await connections.open(connection('c2'));
    const third = connection('c3');
    expect(await connections.open(third)).toBe(false);
    await connections.closed(third);
    expect([connections.here('a').size, connections.size, directory.rows.length]).toEqual([2, 2, 2]);
    expect(await connections.open(connection('c4', 'b'))).toBe(true);
  });

  it('leaves no registration behind when its answer was lost', async () => {
    directory.losesAnswers = true;
    const one = connection('c1');
    await expect(connections.open(one)).rejects.toThrow('lost');
    await connections.closed(one);
    expect([directory.rows.length, connections.size]).toEqual([0, 0]);
  });

  it('may be told twice that one is gone', async () => {
    const [one, two] = [connection('c1'), connection('c2')];
    await connections.open(one);
    await connections.open(two);
    await connections.closed(one);
    await connections.closed(one);
    expect([connections.size, [...connections.here('a')]]).toEqual([1, [two]]);
  });

  it('forgets what the last run at its address left, and only that', async () => {
    const row = { nodeId: 'a', connectionId: 'old', since: 0 };
    directory.rows.push({ ...row, serverNodeId: '~sHere', bootId: 'last' });
    directory.rows.push({ ...row, serverNodeId: '~sThere', bootId: 'other' });
    expect(await connections.forgetLastBoot()).toBe(1);
    expect(directory.rows.map(({ serverNodeId }) => serverNodeId)).toEqual(['~sThere']);
  });

  it('takes a registration back later when the store was away as the connection closed', async () => {
    const one = connection('c1');
    await connections.open(one);
    directory.isAway = true;
    await expect(connections.closed(one)).rejects.toThrow('away');
    expect([connections.size, directory.rows.length]).toEqual([0, 1]);
    directory.isAway = false;
    await connections.unregister('a', 'c1');
    await connections.unregister('a', 'c1');
    expect(directory.rows).toEqual([]);
  });
});

describe('a disconnection', () => {
  it('closes what is here at once, orders the rest, and counts both', async () => {
    await connections.open(connection('c1'));
    elsewhere('c2');
    elsewhere('c3', 'b');
    expect(await connections.disconnect({ nodeId: 'a' }, 'signed out')).toBe(2);
    expect(closes).toEqual([['c1', 4501, 'signed out']]);
    const order = { kind: 'connections', nodeId: 'a', connectionIds: ['c2'], reason: 'signed out' };
    expect(orders.rows).toMatchObject([{ order }]);
  });

  it('of one connection leaves its siblings alone', async () => {
    await connections.open(connection('c1'));
    await connections.open(connection('c2'));
    expect(await connections.disconnect({ connectionId: 'c2' })).toBe(1);
    expect([closes, [...connections.here('a')].map(({ connectionId }) => connectionId)]).toEqual([
      [['c2', 4501, '']],
      ['c1'],
    ]);
    expect(orders.rows).toEqual([]);
  });

  it('of one elsewhere is an order', async () => {
    elsewhere('c2');
    expect(await connections.disconnect({ connectionId: 'c2' })).toBe(1);
    expect(orders.rows).toMatchObject([{ order: { nodeId: 'a', connectionIds: ['c2'] } }]);
  });

  it('of nobody closes nothing, and one that is closed already is not counted again', async () => {
    expect(await connections.disconnect({ nodeId: 'a' })).toBe(0);
    expect(await connections.disconnect({ connectionId: 'c1' })).toBe(0);
    await connections.open(connection('c1'));
    expect(await connections.disconnect({ nodeId: 'a' })).toBe(1);
    expect(await connections.disconnect({ nodeId: 'a' })).toBe(0);
    expect([closes.length, connections.size, orders.rows]).toEqual([1, 0, []]);
  });

  it('that was ordered elsewhere closes the connections it names, and none that came later', async () => {
    await connections.open(connection('c1'));
    const order: EndOrder = { kind: 'connections', nodeId: 'a', connectionIds: ['c1', 'c9'], reason: 'x', until: 9 };
    await ends.give(order);
    await connections.open(connection('c2'));
    await ends.give(order);
    expect(closes).toEqual([['c1', 4501, 'x']]);
  });
});

describe('a revocation', () => {
  const older = { issuedAt: 100 };
  const later = { issuedAt: 101 };

  it.each([
    ['node', 'a', {}],
    ['client', 'bob', { clientId: 'bob' }],
    ['kid', 'k1', { kid: 'k1' }],
  ] as const)('by %s closes what keys opened that were issued until then', async (by, id, key) => {
    await connections.open(connection('old', 'a', { ...key, ...older }));
    await connections.open(connection('new', 'a', { ...key, ...later }));
    await connections.open(connection('other', 'b', older));
    await ends.give(keysEnd({ by, id, issuedUntil: 100, reason: 'lost' }));
    expect(closes).toEqual([['old', 4500, 'lost']]);
    expect(connections.size).toBe(2);
  });

  it('ends a connection that was let in before and registers only now', async () => {
    await ends.give(keysEnd({ issuedUntil: 100 }));
    await connections.open(connection('c1'));
    expect([closes, connections.size]).toEqual([[['c1', 4500, '']], 0]);
  });
});
