import { afterEach, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { ConnectionsService, Directory } from '../../modules/connections/index.js';
import { StoreUnavailable } from '../../modules/inbox/index.js';
import { LeftRegistrations } from './left-registrations.js';
import { NativeConnections } from './native-connections.js';
import { eventually, Scene } from '../../../test/support/native-scene.js';

let scene: Scene;

afterEach(() => scene.end());

/** A store that takes no registration back until it is told to. */
function away(directory: Directory): { failed: number; isBack: boolean } {
  const state = { failed: 0, isBack: false };
  const unregister = directory.unregister.bind(directory);
  directory.unregister = (nodeId, connectionId) => {
    if (state.isBack) return unregister(nodeId, connectionId);
    state.failed += 1;
    return Promise.reject(new StoreUnavailable('away'));
  };
  return state;
}

it('a node whose connections ended while the store was away gets their places back when it is there again', async () => {
  const clock = new ManualClock(Date.now());
  scene = await Scene.start({ clock, perNode: 3 });
  const { server } = scene;
  const left = server.get(LeftRegistrations);
  const rows = async (): Promise<number> => (await server.get(ConnectionsService).everywhere(['a'])).flat().length;
  const store = away(server.get(Directory));
  for (let count = 0; count < 3; count += 1) (await scene.join({ sub: 'a' })).socket.destroy();
  await eventually(() => left.size === 3 && server.get(NativeConnections).size === 0);
  for (const [seconds, failed] of [
    [1, 6],
    [2, 9],
    [4, 12],
  ] as const) {
    clock.advance(seconds * 1_000 - 1);
    expect(store.failed).toBe(failed - 3);
    clock.advance(1);
    await eventually(() => store.failed === failed);
    // The next wait begins once it is known that this try was in vain.
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }
  expect(await rows()).toBe(3);
  store.isBack = true;
  clock.advance(8_000);
  await eventually(() => left.size === 0);
  expect(await rows()).toBe(0);
  for (let count = 0; count < 3; count += 1) await scene.join({ sub: 'a' });
});

it('registrations that are left are not asked for any more when the process ends', async () => {
  const clock = new ManualClock(Date.now());
  scene = await Scene.start({ clock });
  const left = scene.server.get(LeftRegistrations);
  const store = away(scene.server.get(Directory));
  (await scene.join({ sub: 'a' })).socket.destroy();
  await eventually(() => left.size === 1);
  left.onApplicationShutdown();
  clock.advance(120_000);
  expect(store.failed).toBe(1);
});
