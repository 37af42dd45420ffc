import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { HeapUse } from '../../common/heap-use.js';
import { Lifecycle } from '../../common/lifecycle.js';
import { LoopLag } from '../../common/loop-lag.js';
import { Overload } from '../../common/overload.js';
import { FakeHeap } from '../../common/testing/fake-heap.js';
import { Heartbeat } from './heartbeat.js';
import { ServerNode } from './server-node.js';
import { ServerNodesView } from './server-nodes-view.js';
import { MemoryServerNodes, serverNodeAddress, serverNodeRow } from './testing/index.js';

const SETTINGS = { heartbeatMs: 3_000, staleMs: 9_000 };

let registry: MemoryServerNodes;
let clock: ManualClock;
let lifecycle: Lifecycle;
let node: ServerNode;
let heartbeat: Heartbeat;
let heap: FakeHeap;

beforeEach(async () => {
  registry = new MemoryServerNodes();
  clock = new ManualClock();
  lifecycle = new Lifecycle();
  node = new ServerNode(registry);
  const view = new ServerNodesView(registry, node, clock, SETTINGS);
  const lag = new LoopLag(clock, { loopLagMs: 200, loopLagForMs: 5_000, pongLagMs: 1_000 });
  heap = new FakeHeap();
  const heapUse = new HeapUse(clock, { heapNoSocketsFraction: 0.7, heapRetryLaterFraction: 0.85 }, heap);
  heartbeat = new Heartbeat(node, view, SETTINGS, clock, lifecycle, lag, new Overload(lag, heapUse));
  await node.claim(serverNodeAddress({ address: 'h:1' }));
});

const beatNow = (): number | undefined => registry.rows.get('h:1')?.beat;
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) {
    clock.advance(1_000);
    await settled();
  }
}

describe('the heartbeat', () => {
  it('goes out at once and then again and again', async () => {
    expect([registry.rows.get('h:1')?.closed, beatNow()]).toEqual([true, 0]);
    lifecycle.becomeReady();
    await heartbeat.start();
    expect([registry.rows.get('h:1')?.closed, beatNow()]).toEqual([false, 1]);
    await pass(9_000);
    expect(beatNow()).toBe(4);
  });

  it('says at once that the server node goes away', async () => {
    lifecycle.becomeReady();
    await heartbeat.start();
    lifecycle.beginDrain();
    await settled();
    expect(registry.rows.get('h:1')).toMatchObject({ closed: true, beat: 2 });
  });

  it('says that it takes nobody while the event loop is late for long', async () => {
    lifecycle.becomeReady();
    await heartbeat.start();
    for (let second = 0; second < 8; second += 1) {
      clock.jump(240);
      clock.advance(760);
      await settled();
    }
    expect(registry.rows.get('h:1')?.closed).toBe(true);
  });

  it('says that it takes nobody while the heap is above its watermark', async () => {
    lifecycle.becomeReady();
    await heartbeat.start();
    heap.leave(0.71);
    await pass(3_000);
    expect(registry.rows.get('h:1')?.closed).toBe(true);
    heap.leave(0.7);
    await pass(3_000);
    expect(registry.rows.get('h:1')?.closed).toBe(false);
  });

  it('is a reason not to be ready when none got through for so long that others take it for dead', async () => {
    expect(heartbeat.problem()).toBeUndefined();
    await heartbeat.start();
    registry.isAway = true;
    await pass(8_000);
    expect(heartbeat.problem()).toBeUndefined();
    await pass(1_000);
    expect(heartbeat.problem()).toBe('no heartbeat of this server node got through for 9 s');
    registry.isAway = false;
    await pass(3_000);
    expect([heartbeat.problem(), heartbeat.silentMs]).toEqual([undefined, 0]);
  });

  it('ends with the process, and leaves the place', async () => {
    await heartbeat.start();
    await heartbeat.onApplicationShutdown();
    expect(registry.rows.size).toBe(0);
    await pass(9_000);
    expect(registry.rows.size).toBe(0);
  });

  it('does not wait for a store that is away, and takes no place again as the process ends', async () => {
    await heartbeat.start();
    registry.isAway = true;
    await pass(3_000);
    await heartbeat.onApplicationShutdown();
    registry.isAway = false;
    registry.rows.clear();
    await pass(9_000);
    expect(registry.rows.size).toBe(0);
  });

  it('stops when another run has the address', async () => {
    await heartbeat.start();
    const other = serverNodeRow({ address: 'h:1', bootId: 'other' });
    registry.rows.set('h:1', other);
    await pass(9_000);
    registry.rows.clear();
    await pass(9_000);
    expect(registry.rows.size).toBe(0);
  });
});
