import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { ValidationKeys, ValidationKeyStore } from '../../modules/auth/index.js';
import { ConnectionsService, Directory } from '../../modules/connections/index.js';
import { StoreUnavailable } from '../../modules/inbox/index.js';
import { ServerNode, ServerNodes, ServerNodesView } from '../../modules/nodes/index.js';
import { serverNodeAddress } from '../../modules/nodes/testing/index.js';
import { eventually, type Joined, Scene } from '../../../test/support/native-scene.js';
import type { Who } from '../../../test/support/native-app.js';
import { Drain } from './drain.js';
import { NativeConnections } from './native-connections.js';
import type { NativeSettings } from './native.settings.js';

const OTHER = serverNodeAddress({ address: 'other:81', proxyHost: 'ws.example.com' });
const IDLE = { connections: 0, lagMs: 0, closed: false };

let clock: ManualClock;
let scene: Scene;

beforeEach(() => (clock = new ManualClock(Date.now())));
afterEach(() => scene.end());

async function start(native: Partial<NativeSettings> = {}, perNode?: number): Promise<void> {
  scene = await Scene.start({ clock, native, ...(perNode !== undefined && { perNode }) });
}

/** Another server node that is seen to live. */
async function another(load = IDLE): Promise<void> {
  const registry = scene.server.get(ServerNodes);
  await registry.succeed({ ...OTHER, ...load, serverNodeId: '~sother', bootId: 'other' });
  for (let beat = 0; beat < 2; beat += 1) {
    await registry.beat('~sother', 'other', load);
    clock.advance(1);
    await scene.server.get(ServerNodesView).observe(scene.server.get(ServerNode).beat());
  }
}

const drain = (): Promise<void> => scene.server.get(Drain).run();
const join = (who: Who): Promise<Joined> => scene.join(who);

async function isOpenEverywhere(): Promise<boolean> {
  return scene.server
    .get(NativeConnections)
    .all()
    .every(({ isOpen }) => isOpen);
}

describe('a server node that goes away while another one lives', () => {
  it('tells each connection where to go, with a key of its own that opens there and nowhere else', async () => {
    await start();
    await another();
    const joined = [await join({ sub: 'a', clientId: 'k' }), await join({ sub: 'b', role: 'app' })];
    const drained = drain();
    const moves = await Promise.all(joined.map(({ socket }) => socket.nextJson()));
    const keys = moves.map((move) => String(move['validation_key']));
    expect(moves).toEqual(
      keys.map((key) => ({
        type: -114,
        url: `ws://other:81/connect?validation_key=${key}`,
        validation_key: key,
        within_ms: expect.any(Number),
      })),
    );
    const validation = scene.server.get(ValidationKeys);
    expect(await validation.peek(keys[0]!, '~sother')).toMatchObject({ nodeId: 'a', clientId: 'k', role: 'node' });
    expect(await validation.peek(keys[1]!, '~sother')).toMatchObject({ nodeId: 'b', role: 'app' });
    expect(await validation.peek(keys[0]!, scene.server.get(ServerNode).id)).toBeUndefined();
    for (const { socket } of joined) socket.destroy();
    await drained;
  });

  it('serves who was told until it has gone, and shows it to everybody, but gives its place away', async () => {
    await start({}, 1);
    await another();
    const { socket, hello } = await join({ sub: 'a' });
    const drained = drain();
    await socket.nextJson();
    await socket.text('{"dest_id":"a","id":"m"}');
    const frames = [await socket.nextJson(), await socket.nextJson()];
    expect(frames).toContainEqual({ type: -112, id: 'm', status: 'stored' });
    expect(frames).toContainEqual(expect.objectContaining({ seq: 1 }));
    const rows = await scene.server.get(ConnectionsService).everywhere(['a']);
    expect(rows).toMatchObject([[{ connectionId: hello['connection_id'], moving: true }]]);
    const next = { nodeId: 'a', connectionId: 'next', serverNodeId: '~sother', bootId: 'other', since: 1 };
    expect(await scene.server.get(Directory).register(next, 1)).toBe(true);
    expect(await isOpenEverywhere()).toBe(true);
    socket.destroy();
    await drained;
  });

  it('closes with 1012 who has not gone in the time that it was given', async () => {
    await start({ drainTotalMs: 25_000 });
    await another();
    const { socket } = await join({ sub: 'a' });
    const drained = drain();
    const { within_ms: withinMs } = await socket.nextJson();
    expect(withinMs).toBe(5_000);
    clock.advance(4_999);
    expect(await isOpenEverywhere()).toBe(true);
    clock.advance(1);
    expect(await socket.closed()).toMatchObject({ code: 1012 });
    socket.destroy();
    await drained;
  });

  it('tells those together who are due within a tenth of a second, and spreads them over its time', async () => {
    await start({ drainSpreadMs: 15_000, perAddress: 100 });
    await another();
    const joined = await Promise.all(Array.from({ length: 20 }, (_, index) => join({ sub: `n${index}` })));
    let told = 0;
    for (const { socket } of joined) void socket.nextJson().then(() => (told += 1));
    const drained = drain();
    for (let turn = 1; turn <= 4; turn += 1) {
      await eventually(() => told === 5 * turn);
      clock.advance(99);
      expect(told).toBe(5 * turn);
      clock.advance(1);
    }
    for (const { socket } of joined) socket.destroy();
    await drained;
  });

  it('closes all at once, and tells nobody to move, when the store keeps no keys', async () => {
    await start();
    await another();
    const joined = [await join({ sub: 'a' }), await join({ sub: 'b' })];
    scene.server.get(ValidationKeyStore).put = () => Promise.reject(new StoreUnavailable('away'));
    const drained = drain();
    for (const { socket } of joined) expect(await socket.closed()).toMatchObject({ code: 1012 });
    for (const { socket } of joined) socket.destroy();
    await drained;
  });

  it('does not wait for a store that answers nothing', async () => {
    await start({ drainTotalMs: 25_000 });
    await another();
    const { socket } = await join({ sub: 'a' });
    scene.server.get(ValidationKeyStore).put = () => new Promise(() => {});
    const drained = drain();
    await eventually(async () => {
      clock.advance(10);
      return !(await isOpenEverywhere());
    });
    expect(await socket.closed()).toMatchObject({ code: 1012 });
    socket.destroy();
    await drained;
  });

  it('sends nobody to one that goes away as well', async () => {
    await start();
    await another({ ...IDLE, closed: true });
    const { socket } = await join({ sub: 'a' });
    const drained = drain();
    expect(await socket.closed()).toMatchObject({ code: 1012 });
    socket.destroy();
    await drained;
  });

  it('sends who came by a proxy to a proxy', async () => {
    await start();
    const { serverNodeId, bootId, beat: _, ...place } = scene.server.get(ServerNode).row;
    const here = { ...place, serverNodeId, bootId, proxyHost: 'proxy.example.com' };
    await scene.server.get(ServerNode).claim(here);
    await another();
    const { socket } = await scene.ask({ sub: 'a' }, '', { host: 'proxy.example.com' });
    await socket.nextJson();
    const drained = drain();
    expect((await socket.nextJson())['url']).toMatch(/^ws:\/\/ws\.example\.com\/connect\?validation_key=/);
    socket.destroy();
    await drained;
  });
});
