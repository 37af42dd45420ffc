import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { ForcedEnds } from '../auth/index.js';
import { MemoryEndOrders } from '../auth/testing/index.js';
import { ServerNode, ServerNodesView } from '../nodes/index.js';
import { MemoryServerNodes, serverNodeAddress } from '../nodes/testing/index.js';
import { ConnectionHooks } from './connections.hooks.js';
import { ConnectionsService } from './connections.service.js';
import type { LiveConnection } from './connections.types.js';
import { Registrations } from './registrations.js';
import { MemoryDirectory } from './testing/index.js';

const SETTINGS = { heartbeatMs: 3_000, staleMs: 9_000 };

let directory: MemoryDirectory;
let registry: MemoryServerNodes;
let clock: ManualClock;
let orders: MemoryEndOrders;
let closes: unknown[][];
let here: Process;
let there: Process;

interface Process {
  readonly connections: ConnectionsService;
  readonly serverNode: ServerNode;
  readonly view: ServerNodesView;
  readonly registrations: Registrations;
}

async function start(address: string): Promise<Process> {
  const serverNode = new ServerNode(registry);
  await serverNode.claim(serverNodeAddress({ address }));
  const view = new ServerNodesView(registry, serverNode, clock, SETTINGS);
  const ends = new ForcedEnds(orders, clock);
  const hooks = new ConnectionHooks(clock);
  const connections = new ConnectionsService(directory, serverNode, view, { perNode: 2 }, ends, clock, hooks);
  const registrations = new Registrations(directory, connections, serverNode, view, SETTINGS, clock);
  await ends.onModuleInit();
  return { connections, serverNode, view, registrations };
}

function connection(connectionId: string, nodeId: string): LiveConnection {
  const close: LiveConnection['close'] = (...end) => void closes.push([connectionId, ...end]);
  return { connectionId, nodeId, clientId: null, kid: null, issuedAt: 100, send: () => {}, close };
}

/** What the others do with one whose heartbeat stood still. */
function bury({ serverNode: { row } }: Process): void {
  registry.rows.delete(row.address);
  directory.rows = directory.rows.filter(({ bootId }) => bootId !== row.bootId);
}

/** `here` is taken for dead, and keeps its place. */
async function fallSilent(): Promise<void> {
  registry.beforeRelease = () => {
    throw new Error('away');
  };
  for (let turns = 0; turns < 5; turns += 1) {
    clock.advance(SETTINGS.heartbeatMs);
    await there.view.observe(there.serverNode.beat());
  }
}

async function settled(): Promise<void> {
  for (let count = 0; count < 5; count += 1) await new Promise(setImmediate);
}

/** Everybody reads what was ordered. */
async function hear(): Promise<void> {
  clock.advance(1_000);
  await settled();
}

async function comeBack({ serverNode }: Process): Promise<void> {
  await serverNode.beat();
  await settled();
}

beforeEach(async () => {
  [directory, registry, clock, orders, closes] = [
    new MemoryDirectory(),
    new MemoryServerNodes(),
    new ManualClock(),
    new MemoryEndOrders(),
    [],
  ];
  [here, there] = [await start('here:1'), await start('there:1')];
});

describe('a disconnection of a node that another server node orders', () => {
  it('closes what this one holds while its place is lapsed and nothing lists it', async () => {
    await here.connections.open(connection('c1', 'a'));
    await here.connections.open(connection('c2', 'b'));
    bury(here);
    expect(await there.connections.disconnect({ nodeId: 'a' }, 'signed out')).toBe(0);
    await hear();
    expect(closes).toEqual([['c1', 4501, 'signed out']]);
  });

  it('closes it also when this one has its place again before it hears of it', async () => {
    await here.connections.open(connection('c1', 'a'));
    bury(here);
    await there.connections.disconnect({ nodeId: 'a' });
    await comeBack(here);
    expect(directory.rows.map(({ connectionId }) => connectionId)).toEqual(['c1']);
    await hear();
    expect(closes).toEqual([['c1', 4501, '']]);
  });

  it.each([
    ['its node', { nodeId: 'a' }],
    ['its own id', { connectionId: 'c1' }],
  ])('by %s closes, but does not count, what one has that is taken for dead', async (_, whom) => {
    await here.connections.open(connection('c1', 'a'));
    await fallSilent();
    expect(await there.connections.disconnect(whom)).toBe(0);
    await hear();
    expect(closes).toEqual([['c1', 4501, '']]);
  });

  it('counts nothing that a run has left behind', async () => {
    await here.connections.open(connection('c1', 'a'));
    registry.rows.delete('here:1');
    expect(await there.connections.disconnect({ connectionId: 'c1' })).toBe(0);
  });

  it('closes nothing that came later, be it the first that this one, or this run of it, registers', async () => {
    await there.connections.disconnect({ nodeId: 'a' });
    await here.connections.open(connection('c1', 'a'));
    await hear();
    bury(here);
    await comeBack(here);
    await there.connections.disconnect({ nodeId: 'b' });
    await here.connections.open(connection('c2', 'b'));
    await hear();
    expect(closes).toEqual([]);
  });
});
