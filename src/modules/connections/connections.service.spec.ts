import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { ServerNode, ServerNodesView } from '../nodes/index.js';
import { MemoryServerNodes, serverNodeAddress, serverNodeRow } from '../nodes/testing/index.js';
import { ConnectionsService } from './connections.service.js';
import type { LiveConnection } from './connections.types.js';
import { Registrations } from './registrations.js';
import { connectionRow, MemoryDirectory } from './testing/index.js';

const SETTINGS = { heartbeatMs: 3_000, staleMs: 9_000 };

let directory: MemoryDirectory;
let registry: MemoryServerNodes;
let clock: ManualClock;
let connections: ConnectionsService;
let registrations: Registrations;
let serverNode: ServerNode;
let view: ServerNodesView;

function connection(connectionId: string, nodeId = 'a'): LiveConnection {
  return { connectionId, nodeId, clientId: null, send: () => {}, close: () => {} };
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
  connections = new ConnectionsService(directory, serverNode, view, { perNode: 2 }, clock);
  registrations = new Registrations(directory, connections, serverNode, view, SETTINGS, clock);
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

  it('gives the place of one that moves to another, and still shows it', async () => {
    const [one, two, three] = [connection('c1'), connection('c2'), connection('c3')];
    await connections.open(one);
    await connections.open(two);
    await connections.moving(one);
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
