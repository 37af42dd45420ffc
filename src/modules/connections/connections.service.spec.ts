import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { type EndOrder, ForcedEnds } from '../auth/index.js';
import { keysEnd, MemoryEndOrders } from '../auth/testing/index.js';
import { ServerNode, ServerNodesView } from '../nodes/index.js';
import { MemoryServerNodes, serverNodeAddress, serverNodeRow } from '../nodes/testing/index.js';
import { ConnectionHooks } from './connections.hooks.js';
import { ConnectionsService } from './connections.service.js';
import type { LiveConnection } from './connections.types.js';
import { Registrations } from './registrations.js';
import { connectionRow, MemoryDirectory } from './testing/index.js';

const MINUTE_MS = 60_000;
const SETTINGS = { heartbeatMs: 3_000, staleMs: 9_000 };

let directory: MemoryDirectory;
let registry: MemoryServerNodes;
let clock: ManualClock;
let connections: ConnectionsService;
let registrations: Registrations;
let serverNode: ServerNode;
let view: ServerNodesView;
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
  registry.rows.set('there:1', serverNodeRow({ address: 'there:1', serverNodeId: '~sThere', bootId: 'other' }));
  directory.rows.push(connectionRow(nodeId, connectionId, { serverNodeId: '~sThere', bootId: 'other' }));
}

const refuse = (): never => {
  throw new Error('away');
};
const settled = async (): Promise<void> => {
  for (let count = 0; count < 5; count += 1) await new Promise(setImmediate);
};
const ids = (): string[] => directory.rows.map(({ connectionId }) => connectionId);
const boots = (): Set<string> => new Set(directory.rows.map(({ bootId }) => bootId));

async function turn(): Promise<void> {
  clock.advance(SETTINGS.heartbeatMs);
  await view.observe(serverNode.beat());
  await settled();
}

beforeEach(async () => {
  directory = new MemoryDirectory();
  registry = new MemoryServerNodes();
  clock = new ManualClock();
  serverNode = new ServerNode(registry);
  await serverNode.claim(serverNodeAddress({ address: 'here:1' }));
  view = new ServerNodesView(registry, serverNode, clock, SETTINGS);
  hooks = new ConnectionHooks(clock);
  closes = [];
  orders = new MemoryEndOrders();
  ends = new ForcedEnds(orders, clock);
  connections = new ConnectionsService(directory, serverNode, view, { perNode: 2 }, ends, clock, hooks);
  registrations = new Registrations(directory, connections, serverNode, view, SETTINGS, clock);
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
    expect(rows).toMatchObject([{ connectionId: 'c1', serverNodeId: serverNode.id, bootId: serverNode.bootId }]);
    await connections.closed(one);
    expect([connections.here('a').size, connections.size, directory.rows.length]).toEqual([0, 0, 0]);
  });

  it('tells how many it holds with each heartbeat', async () => {
    await connections.open(connection('c1'));
    await connections.open(connection('c2'));
    expect(serverNode.load.connections).toBe(2);
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

  it('gives the place of one that moves to another, and still shows it, but not as one that stays', async () => {
    const [one, two, three] = [connection('c1'), connection('c2'), connection('c3')];
    await connections.open(one);
    await connections.moving(one);
    expect(connections.stays('a')).toBe(false);
    await connections.open(two);
    expect(connections.stays('a')).toBe(true);
    expect(await connections.open(three)).toBe(true);
    const [rows] = await connections.everywhere(['a']);
    expect(rows?.map(({ connectionId, moving }) => [connectionId, moving])).toEqual(
      expect.arrayContaining([
        ['c1', true],
        ['c2', undefined],
        ['c3', undefined],
      ]),
    );
    await connections.closed(one);
    expect(ids()).toEqual(['c2', 'c3']);
  });

  it('leaves nothing of one that closed while it was told to move', async () => {
    const one = connection('c1');
    await connections.open(one);
    const moving = connections.moving(one);
    await connections.closed(one);
    await moving;
    await connections.moving(one);
    expect(directory.rows).toEqual([]);
  });

  it('shows none of a server node that is dead, or that nobody knows, and asks for the unknown once', async () => {
    registry.rows.set('there:1', serverNodeRow({ address: 'there:1', serverNodeId: '~sThere', bootId: 'there' }));
    const there = connectionRow('a', 'c1', { serverNodeId: '~sThere', bootId: 'there' });
    directory.rows.push(there, connectionRow('a', 'c2', { serverNodeId: '~sGone', bootId: 'gone' }));
    expect(await connections.everywhere(['a', 'b'])).toEqual([[there], []]);
    registry.reads = 0;
    expect(await connections.everywhere(['a'])).toEqual([[there]]);
    expect(registry.reads).toBe(0);
    registry.beforeRelease = refuse;
    for (let count = 0; count < 4; count += 1) await turn();
    expect(await connections.everywhere(['a'])).toEqual([[]]);
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

describe('what a server node that died has registered', () => {
  beforeEach(() => {
    registry.rows.set('there:1', serverNodeRow({ address: 'there:1', serverNodeId: '~sThere', bootId: 'there' }));
    directory.rows.push(connectionRow('a', 'c1', { serverNodeId: '~sThere', bootId: 'there' }));
  });

  it('goes when its place does, and its places of nodes are free', async () => {
    for (let count = 0; count < 4; count += 1) await turn();
    expect(directory.rows).toEqual([]);
  });

  it('stays while it lives, or only seems to be dead', async () => {
    registry.beforeRelease = () => {
      const row = registry.rows.get('there:1')!;
      registry.rows.set('there:1', { ...row, beat: row.beat + 1 });
    };
    for (let count = 0; count < 4; count += 1) await turn();
    expect(await registrations.sweep()).toBe(0);
    expect(ids()).toEqual(['c1']);
  });

  it('goes later what it registers before it learns that it is over', async () => {
    await turn();
    registry.rows.delete('there:1');
    await turn();
    directory.rows.push(connectionRow('b', 'late', { serverNodeId: '~sThere', bootId: 'there' }));
    await turn();
    expect(ids()).toEqual(['late']);
    for (let count = 0; count < 3; count += 1) await turn();
    expect(directory.rows).toEqual([]);
  });

  it('goes later when the store was away', async () => {
    await turn();
    registry.rows.delete('there:1');
    directory.isAway = true;
    for (let count = 0; count < 5; count += 1) await turn();
    directory.isAway = false;
    for (let count = 0; count < 4; count += 1) await turn();
    expect(directory.rows).toEqual([]);
  });

  it('goes at the next start of whoever, when nobody lived to see its end', async () => {
    registry.rows.delete('there:1');
    await connections.open(connection('own', 'a'));
    expect(await registrations.sweep()).toBe(1);
    expect(ids()).toEqual(['own']);
    expect(await registrations.sweep()).toBe(0);
  });
});

describe('a server node whose own place had lapsed', () => {
  it('registers all its connections again as a new run, in their state, and then says so', async () => {
    let renewed = 0;
    registrations.onRenewed(() => (renewed += 1));
    const many = Array.from({ length: 300 }, (_, i) => connection(`c${i}`, `n${i}`));
    for (const one of many) await connections.open(one);
    await connections.moving(many[7]!);
    const before = new Map(directory.rows.map((row) => [row.connectionId, row]));
    directory.rows = [];
    registry.rows.clear();
    await turn();
    expect(told.filter((text) => text.endsWith('gone'))).toEqual([]);
    expect([renewed, directory.rows.length, boots()]).toEqual([1, 300, new Set([serverNode.bootId])]);
    for (const row of directory.rows) {
      expect(row).toEqual({ ...before.get(row.connectionId), bootId: serverNode.bootId });
    }
  });

  it('registers them although their places were taken meanwhile', async () => {
    await connections.open(connection('c1'));
    registry.rows.clear();
    directory.rows = ['x1', 'x2'].map((id) => connectionRow('a', id));
    await turn();
    expect(ids()).toEqual(['x1', 'x2', 'c1']);
  });

  it('tries again where the store was away, and leaves nothing of those that closed meanwhile', async () => {
    const [one, two] = [connection('c1'), connection('c2')];
    await connections.open(one);
    await connections.open(two);
    directory.isAway = true;
    registry.rows.clear();
    await turn();
    await expect(connections.closed(one)).rejects.toThrow('away');
    directory.isAway = false;
    await turn();
    expect(ids()).toEqual(['c2']);
    expect(boots()).toEqual(new Set([serverNode.bootId]));
  });

  it('registers also what was being opened just then', async () => {
    const { bootId } = serverNode;
    directory.beforeRegister = () => {
      directory.beforeRegister = () => {};
      registry.rows.clear();
    };
    const opening = connections.open(connection('c1'));
    await serverNode.beat();
    expect(serverNode.bootId).not.toBe(bootId);
    await opening;
    expect(boots()).toEqual(new Set([serverNode.bootId]));
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
    expect([closes.length, connections.size]).toEqual([1, 0]);
  });

  it('closes what is here also where the directory has lost it, and counts each once', async () => {
    await connections.open(connection('c1'));
    await connections.open(connection('c2'));
    const [first] = directory.rows;
    directory.rows = [{ ...first!, bootId: 'lapsed' }];
    expect(await connections.disconnect({ nodeId: 'a' })).toBe(2);
    expect(closes.map(([id]) => id)).toEqual(['c1', 'c2']);
    expect(orders.rows).toMatchObject([{ order: { connectionIds: [] } }]);
  });

  it('leaves nothing of one that is registered again just then', async () => {
    const one = connection('c1');
    await connections.open(one);
    directory.beforeRegister = () => void connections.disconnect({ connectionId: 'c1' });
    await connections.moving(one);
    await settled();
    await connections.registerAgain(one);
    expect([closes.length, connections.size, directory.rows]).toEqual([1, 0, []]);
  });

  it('that was ordered elsewhere closes the connections it names, and none that came later', async () => {
    await connections.open(connection('c1'));
    const order: EndOrder = { kind: 'connections', nodeId: 'a', connectionIds: ['c1', 'c9'], reason: 'x' };
    await ends.give(order, MINUTE_MS);
    await connections.open(connection('c2'));
    await ends.give(order, MINUTE_MS);
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
    await ends.give(keysEnd({ by, id, issuedUntil: 100, reason: 'lost' }), MINUTE_MS);
    expect(closes).toEqual([['old', 4500, 'lost']]);
    expect(connections.size).toBe(2);
  });

  it('ends a connection that was let in before and registers only now', async () => {
    await ends.give(keysEnd({ issuedUntil: 100 }), MINUTE_MS);
    await connections.open(connection('c1'));
    expect([closes, connections.size]).toEqual([[['c1', 4500, '']], 0]);
  });
});
