import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { Lifecycle } from '../../common/lifecycle.js';
import { Metrics } from '../../common/metrics.js';
import { StallGuard } from '../../common/stall-guard.js';
import { Drain } from './drain.js';
import { NativeConnections } from './native-connections.js';
import { eventually, Scene } from '../../../test/support/native-scene.js';

let scene: Scene;

afterEach(() => scene.end());

describe('a server node that goes away', () => {
  it('tells every connection to come back, and writes before that what was on its way', async () => {
    scene = await Scene.start();
    const { socket } = await scene.join({ sub: 'a' });
    await socket.text('{"dest_id":"a","id":"m"}');
    expect(await socket.nextJson()).toMatchObject({});
    const end = socket.closed();
    await Promise.all([scene.server.get(Drain).run(), end.then(() => socket.destroy())]);
    const { code, reason } = await end;
    expect(code).toBe(1012);
    expect(reason).toMatch(/^retry_after_ms=\d+$/);
  });

  it('lets nobody in any more', async () => {
    scene = await Scene.start();
    await scene.server.get(Drain).run();
    expect((await scene.ask({ sub: 'a' })).response.status).toBe(503);
  });

  it('does it once, however often it is told', async () => {
    scene = await Scene.start();
    const drain = scene.server.get(Drain);
    expect(drain.run()).toBe(drain.beforeApplicationShutdown());
    await drain.run();
  });

  it('first says that it is not ready, and spreads the closes', async () => {
    const clock = new ManualClock(Date.now());
    scene = await Scene.start({ clock, native: { drainReadinessMs: 2_000, drainSpreadMs: 15_000 } });
    for (const sub of ['a', 'b', 'c', 'd']) await scene.join({ sub });
    const connections = scene.server.get(NativeConnections);
    const drained = scene.server.get(Drain).run();
    expect(scene.server.get(Lifecycle).phase).toBe('draining');
    clock.advance(1_999);
    expect(connections.all().every(({ isOpen }) => isOpen)).toBe(true);
    clock.advance(1);
    await eventually(() => connections.all().filter(({ isOpen }) => isOpen).length === 3);
    for (let left = 3; left > 0; left -= 1) {
      clock.advance(20);
      await eventually(() => connections.all().filter(({ isOpen }) => isOpen).length === left - 1);
    }
    for (const connection of connections.all()) connection.terminate();
    await drained;
  });

  it('does not wait for ever for a peer that answers nothing', async () => {
    const clock = new ManualClock(Date.now());
    scene = await Scene.start({ clock, native: { drainTotalMs: 25_000 } });
    const { socket } = await scene.join({ sub: 'a' });
    socket.pause();
    const drained = scene.server.get(Drain).run();
    await eventually(() =>
      scene.server
        .get(NativeConnections)
        .all()
        .every(({ isOpen }) => !isOpen),
    );
    clock.advance(24_000);
    await drained;
    await eventually(() => scene.server.get(NativeConnections).size === 0);
    expect(await scene.server.get(Metrics).text()).toContain('allspark_closes_total{code="1012"} 1');
  });
});

describe('a server node that stood still for long', () => {
  it('closes all connections, which come back', async () => {
    const clock = new ManualClock(Date.now());
    scene = await Scene.start({ clock });
    const { socket } = await scene.join({ sub: 'a' });
    clock.jump(31_000);
    scene.server.get(StallGuard).stalls();
    expect((await socket.closed()).code).toBe(1012);
  });

  it('does nothing of what lay in the sockets meanwhile', async () => {
    const clock = new ManualClock(Date.now());
    scene = await Scene.start({ clock });
    const [{ socket: a }, { socket: b }] = [await scene.join({ sub: 'a' }), await scene.join({ sub: 'b' })];
    clock.jump(31_000);
    await a.text('{"dest_id":"b","id":"old"}');
    expect((await a.closed()).code).toBe(1012);
    expect((await b.closed()).code).toBe(1012);
    expect((await scene.join({ sub: 'b' })).hello).toMatchObject({ tail_seq: 0 });
  });
});
