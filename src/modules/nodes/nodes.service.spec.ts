import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { type NodeRecord, NodeRegistry } from './node-registry.js';
import { NodesService } from './nodes.service.js';

class Registry extends NodeRegistry {
  readonly records: NodeRecord[] = [];
  reads = 0;

  find(ids: readonly string[]): Promise<Array<NodeRecord | undefined>> {
    this.reads += 1;
    return Promise.resolve(ids.map((id) => this.records.findLast(({ nodeId }) => nodeId === id)));
  }

  record(nodes: readonly NodeRecord[]): Promise<void> {
    this.records.push(...nodes);
    return Promise.resolve();
  }
}

let registry: Registry;
let clock: ManualClock;
let nodes: NodesService;

beforeEach(() => {
  registry = new Registry();
  clock = new ManualClock();
  nodes = new NodesService(registry, clock);
});

describe('NodesService', () => {
  it('records a node once for each newer key, not for each call', async () => {
    for (const issuedAt of [10, 10, 9, 11]) await nodes.seen({ nodeId: 'a', clientId: 'c', issuedAt });
    expect(registry.records.map(({ iat }) => iat)).toEqual([10, 11]);
    expect(registry.records[0]).toEqual({ nodeId: 'a', clientId: 'c', iat: 10, lastSeen: clock.now() });
  });

  it('keeps when a node was last seen to the minute', async () => {
    const key = { nodeId: 'a', clientId: 'c', issuedAt: 10 };
    await nodes.seen(key);
    clock.advance(59_999);
    await nodes.seen(key);
    expect(registry.records).toHaveLength(1);
    clock.advance(1);
    await nodes.seen(key);
    expect(registry.records.at(-1)).toEqual({ nodeId: 'a', clientId: 'c', iat: 10, lastSeen: clock.now() });
  });

  it('records the first key of a node that was only named before', async () => {
    await nodes.makeKnown('a');
    expect(await nodes.isKnown('a')).toBe(true);
    await nodes.seen({ nodeId: 'a', clientId: null, issuedAt: 0 });
    await nodes.seen({ nodeId: 'a', clientId: 'c', issuedAt: 5 });
    expect(registry.records.at(-1)).toMatchObject({ clientId: 'c', iat: 5 });
  });

  it('remembers that a node is known, and never that it is not', async () => {
    expect(await nodes.isKnown('a')).toBe(false);
    await registry.record([{ nodeId: 'a', clientId: null, iat: 0, lastSeen: null }]);
    expect(await nodes.isKnown('a')).toBe(true);
    const { reads } = registry;
    expect(await nodes.isKnown('a')).toBe(true);
    expect(registry.reads).toBe(reads);
  });

  it('reads a record freshly each time', async () => {
    await nodes.seen({ nodeId: 'a', clientId: 'c', issuedAt: 1 });
    await registry.record([{ nodeId: 'a', clientId: 'd', iat: 2, lastSeen: 0 }]);
    expect(await nodes.find('a')).toMatchObject({ clientId: 'd' });
    expect(await nodes.find('x')).toBeUndefined();
  });

  it('notes when a node went, without a claim on whose it is', async () => {
    clock.advance(5);
    await nodes.left('a');
    expect(registry.records).toEqual([{ nodeId: 'a', clientId: null, iat: 0, lastSeen: clock.now() }]);
  });
});
