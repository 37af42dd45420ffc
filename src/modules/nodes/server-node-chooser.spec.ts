import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { ServerNode } from './server-node.js';
import { type Newcomer, ServerNodeChooser } from './server-node-chooser.js';
import { ServerNodesView } from './server-nodes-view.js';
import type { ServerNodeRow } from './server-nodes.js';
import { MemoryServerNodes, serverNodeAddress, serverNodeRow } from './testing/index.js';

let registry: MemoryServerNodes;
let clock: ManualClock;
let here: ServerNode;
let view: ServerNodesView;
let chooser: ServerNodeChooser;
let load: { connections: number; closed: boolean };

beforeEach(async () => {
  registry = new MemoryServerNodes();
  clock = new ManualClock();
  here = new ServerNode(registry);
  load = { connections: 0, closed: false };
  here.addLoad(() => load);
  await here.claim(serverNodeAddress({ address: 'here:1' }));
  view = new ServerNodesView(registry, here, clock, { heartbeatMs: 3_000, staleMs: 9_000 });
  chooser = new ServerNodeChooser(view, clock);
});

/** Sets what another told with its last heartbeat; `beats` it until it is known to live. */
async function others(rows: Record<string, Partial<ServerNodeRow>>, beats = 2): Promise<void> {
  for (let beat = 0; beat < beats; beat += 1) {
    for (const [name, changes] of Object.entries(rows)) {
      const address = `${name}:1`;
      const before = registry.rows.get(address)?.beat ?? 0;
      const row = serverNodeRow({ address, serverNodeId: `~s${name}`, bootId: name, beat: before + 1, ...changes });
      registry.rows.set(address, row);
    }
    clock.advance(3_000);
    await view.observe(here.beat());
  }
}

function choose(count: number, newcomer: Newcomer = {}): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < count; i += 1) {
    const address = chooser.choose(newcomer)?.address ?? 'nobody';
    counts[address] = (counts[address] ?? 0) + 1;
  }
  return counts;
}

describe('the choice for newcomers', () => {
  it('is this server node when it is alone, and nobody when it is closed', () => {
    expect(choose(1)).toEqual({ 'here:1': 1 });
    load.closed = true;
    expect(choose(1)).toEqual({ nobody: 1 });
  });

  it('spreads a burst of 1,000 within 10 % over three, though none of them has told of any of it', async () => {
    await others({ b: {}, c: {} });
    const counts = choose(1_000);
    for (const address of ['here:1', 'b:1', 'c:1']) expect(counts[address]! / (1_000 / 3)).toBeCloseTo(1, 1);
  });

  it('counts nobody twice who has arrived, and forgets who does not come', async () => {
    await others({ b: {} });
    choose(600);
    load.connections = 300;
    await others({ b: { connections: 300 } }, 1);
    load.connections += 100;
    expect(choose(100)).toEqual({ 'b:1': 100 });
    await others({ b: { connections: 300 } }, 5);
    expect(choose(99)).toEqual({ 'b:1': 99 });
  });

  it('sends nobody where no heartbeat was seen to rise, or to one that is dead', async () => {
    await others({ b: {} }, 1);
    expect(choose(10)).toEqual({ 'here:1': 10 });
    await others({ b: {} }, 1);
    expect(Object.keys(choose(20))).toContain('b:1');
    for (let i = 0; i < 3; i += 1) await others({}, 1);
    expect(choose(10)).toEqual({ 'here:1': 10 });
  });

  it('keeps the members of a session together', async () => {
    await others({ b: {}, c: {} });
    for (let i = 0; i < 20; i += 1) expect(Object.values(choose(50, { sessionId: `s${i}` }))).toEqual([50]);
  });

  it('sends who needs port 80 only where there is one: a proxy, or an address on 80 or 443', async () => {
    await others({ b: { proxyHost: 'ws.example.com' }, c: { baseUrl: 'https://c.example.com' }, d: {} });
    expect(Object.keys(choose(100, { needsPort80: true })).toSorted()).toEqual(['b:1', 'c:1']);
    await others({ b: {}, c: {}, d: {} });
    expect(choose(1, { needsPort80: true })).toEqual({ nobody: 1 });
  });
});
