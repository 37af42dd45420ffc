import { beforeEach, describe, expect, it } from 'vitest';
import { AddressTaken, ServerNode } from './server-node.js';
import { MemoryServerNodes, serverNodeAddress, serverNodeRow } from './testing/index.js';

const HERE = serverNodeAddress({ address: 'h:1' });
const last = serverNodeRow({ address: 'h:1', serverNodeId: '~sOld', bootId: 'last' });

let registry: MemoryServerNodes;
let node: ServerNode;
let events: string[];
beforeEach(() => {
  registry = new MemoryServerNodes();
  node = new ServerNode(registry);
  events = [];
  node.onRenewed(() => events.push('renewed'));
  node.onLost(({ address }) => events.push(`lost ${address}`));
});

describe('a server node that takes its place', () => {
  it('has the id of the place at its address, and none before', async () => {
    expect(node.hasPlace).toBe(false);
    expect(() => node.id).toThrow('claim');
    registry.rows.set('h:1', last);
    await node.claim(HERE);
    expect([node.id, node.hasPlace, registry.rows.get('h:1')?.bootId]).toEqual(['~sOld', true, node.bootId]);
  });

  it('asks nobody where nobody stands', async () => {
    await node.claim(HERE, () => Promise.reject(new Error('asked')));
    expect(node.hasPlace).toBe(true);
  });

  it.each([
    ['nobody answers', () => undefined],
    ['the address leads to itself', () => node.bootId],
  ])('succeeds a dead one at once when %s', async (_, answer) => {
    registry.rows.set('h:1', last);
    await node.claim(HERE, async () => answer());
    expect(node.id).toBe('~sOld');
  });

  it.each(['last', 'third'])('fails while another run answers there (%s), and changes nothing', async (bootId) => {
    registry.rows.set('h:1', last);
    const claiming = node.claim(HERE, async () => bootId);
    await expect(claiming).rejects.toBeInstanceOf(AddressTaken);
    await expect(claiming).rejects.toThrow(/h:1 .*HOST_ADDRESS, PORT/);
    expect(registry.rows.get('h:1')).toBe(last);
  });

  it('takes one that answers at a shared base URL for what it is: another server node', async () => {
    registry.rows.set('h:1', last);
    registry.rows.set('h:2', serverNodeRow({ address: 'h:2', serverNodeId: '~s2', bootId: 'neighbour' }));
    await node.claim(HERE, async () => 'neighbour');
    expect(node.id).toBe('~sOld');
  });

  it('takes the place without asking when it is forced to', async () => {
    registry.rows.set('h:1', last);
    await node.claim(HERE);
    expect(registry.rows.get('h:1')?.bootId).toBe(node.bootId);
  });
});

describe('a heartbeat', () => {
  it('tells the sum of all connections, the worst lag, and closed when any part says so', async () => {
    await node.claim(HERE);
    node.addLoad(() => ({ connections: 3, lagMs: 1.4 }));
    node.addLoad(() => ({ connections: 4, lagMs: 20.6, closed: false }));
    expect(await node.beat()).toBe(true);
    expect(registry.rows.get('h:1')).toMatchObject({ connections: 7, lagMs: 21, closed: false, beat: 1 });
    node.addLoad(() => ({ closed: true }));
    expect(node.row).toMatchObject({ address: 'h:1', connections: 7, closed: true });
  });

  it('finds the place gone, and takes it again as a new run under the same id', async () => {
    await node.claim(HERE);
    const { id, bootId } = node;
    registry.rows.clear();
    expect(await node.beat()).toBe(false);
    expect(events).toEqual(['renewed']);
    expect([node.id, node.bootId === bootId, registry.rows.get('h:1')?.bootId]).toEqual([id, false, node.bootId]);
    expect(await node.beat()).toBe(true);
  });

  it('finds another run in its place: it is lost, said once, and taken back by nobody', async () => {
    await node.claim(HERE);
    registry.rows.set('h:1', last);
    expect([await node.beat(), await node.beat()]).toEqual([false, false]);
    expect(events).toEqual(['lost h:1']);
    await node.release();
    expect(registry.rows.get('h:1')).toBe(last);
  });

  it('tells who asks late that it is lost', async () => {
    await node.claim(HERE);
    expect(node.lost).toBeUndefined();
    registry.rows.set('h:1', last);
    await node.beat();
    node.onLost(({ address }) => events.push(`late ${address}`));
    expect(events).toEqual(['lost h:1', 'late h:1']);
    expect(node.lost).toMatchObject({ address: 'h:1' });
  });

  it('knows its own place again when the answer to its taking was lost', async () => {
    await node.claim(HERE);
    registry.rows.clear();
    registry.losesAnswer = true;
    await expect(node.beat()).rejects.toThrow('lost');
    expect(events).toEqual([]);
    expect(await node.beat()).toBe(false);
    expect(events).toEqual(['renewed']);
    expect(registry.rows.get('h:1')?.bootId).toBe(node.bootId);
    expect(await node.beat()).toBe(true);
  });

  it('leaves the place when it goes, and the next one there has an id of its own', async () => {
    await node.release();
    await node.claim(HERE);
    const { id } = node;
    await node.release();
    expect(registry.rows.size).toBe(0);
    const next = new ServerNode(registry);
    await next.claim(HERE);
    expect(next.id).not.toBe(id);
  });
});
