import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
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

function connection(connectionId: string, nodeId = 'a'): LiveConnection {
  return { connectionId, nodeId, clientId: null, send: () => {}, close: () => {} };
}

beforeEach(async () => {
  directory = new MemoryDirectory();
  hooks = new ConnectionHooks(new ManualClock());
  serverNode = new ServerNode(new OwnAddress());
  await serverNode.claim('127.0.0.1:8080');
  connections = new ConnectionsService(directory, serverNode, { perNode: 2 }, new ManualClock(), hooks);
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
