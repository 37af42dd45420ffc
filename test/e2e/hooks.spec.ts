import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Connected, ConnectionHooks, InboxHooks, Refusal, RoutingHooks, type Undo } from '../../src/index.js';
import { eventually } from '../support/native-scene.js';
import { RawSocket } from '../support/raw-socket.js';
import { SessionTalk } from '../support/session-talk.js';
import { Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

let server: TestServer;
const undo: Undo[] = [];

function hooks<T>(token: abstract new (...args: never[]) => T): T {
  return server.running.app.get<T>(token, { strict: false });
}

beforeAll(async () => {
  server = await TestServer.start();
});
afterEach(() => {
  for (const each of undo.splice(0)) each();
  Talker.hangUp();
});
afterAll(() => server.stop());

it('whom a hook does not accept is refused before the 101, and its validation key is still good', async () => {
  let isWelcome = false;
  undo.push(
    hooks(ConnectionHooks).beforeAccept(async ({ nodeId }) =>
      nodeId === 'eve' && !isWelcome ? new Refusal('forbidden', { reason: 'not now' }) : undefined,
    ),
  );
  const { url } = (await server.json('eve', '/v1/pre-connections', {})) as { url: string };
  const { port, pathname, search } = new URL(url);
  const { socket, response } = await RawSocket.upgrade(Number(port), pathname + search);
  socket.destroy();
  expect([response.status, JSON.parse(response.body)]).toMatchObject([403, { code: 'forbidden', detail: 'not now' }]);
  await Talker.open(server, 'alice');
  isWelcome = true;
  await Talker.open(server, 'eve', { address: url });
});

it('hooks hear of each connection when it is there and when it has gone', async () => {
  const told: string[] = [];
  const tell = (what: string) => (connection: Connected) => {
    if (connection.nodeId === 'carol') told.push(`${what} ${connection.connectionId}`);
  };
  undo.push(hooks(ConnectionHooks).onConnect(tell('+')), hooks(ConnectionHooks).onDisconnect(tell('-')));
  const carol = await Talker.open(server, 'carol');
  const id = String(carol.hello['connection_id']);
  expect(told).toEqual([`+ ${id}`]);
  await carol.close();
  await eventually(() => told.length === 2);
  expect(told).toEqual([`+ ${id}`, `- ${id}`]);
});

it('a hook blocks a sender on the websocket and by REST, and nobody else', async () => {
  const refusal = new Refusal('forbidden', { reason: 'this sender is blocked' });
  undo.push(hooks(RoutingHooks).beforeRoute(({ sender }) => (sender.nodeId === 'mallory' ? refusal : undefined)));
  const [mallory, alice] = [await Talker.open(server, 'mallory'), await Talker.open(server, 'alice')];
  const answer = await mallory.ask({ dest_id: 'alice', payload: 1 });
  expect(answer).toMatchObject({ type: -113, code: 'forbidden', reason: 'this sender is blocked' });
  const messages = [{ dest_id: 'alice', id: 'r' }];
  expect(await server.json('mallory', '/v1/messages', { messages })).toMatchObject({
    results: [{ id: 'r', code: 'forbidden' }],
  });
  expect(await alice.ask({ dest_id: 'mallory', payload: 1 })).toMatchObject({ status: 'stored' });
  await alice.fence();
  expect(alice.entries).toEqual([]);
});

it('a hook sees an alias where the sender wrote one, and where the receiver reads one', async () => {
  const heard: string[] = [];
  undo.push(hooks(RoutingHooks).beforeRoute(({ message }) => void heard.push(JSON.stringify(message))));
  undo.push(hooks(InboxHooks).afterDeliver(({ frame }) => void heard.push(frame)));
  const session = await SessionTalk.of(server, ['owen', { node_id: 'hidden-one', anonymous: true }]);
  const [owen, hidden] = [await Talker.open(server, 'owen'), await Talker.open(server, 'hidden-one')];
  expect(await hidden.ask(session.to({ payload: 'guess' }))).toMatchObject({ status: 'stored' });
  const { src_id: alias } = await owen.next((frame) => frame['payload'] === 'guess');
  owen.send(session.to({ dest_id: alias, payload: 'answer' }));
  owen.send(session.to({ dest_id: alias, payload: 'at once', transient: true }));
  for (const payload of ['answer', 'at once']) await hidden.next((frame) => frame['payload'] === payload);
  for (const payload of ['guess', 'answer', 'at once']) {
    expect(heard.filter((text) => text.includes(payload)).length, payload).toBeGreaterThanOrEqual(2);
  }
  expect(heard.filter((text) => text.includes(String(alias)))).not.toEqual([]);
  expect(heard.join()).not.toContain('hidden-one');
});

it('hooks after a delivery see what each connection gets, stored or transient, as it is on the wire', async () => {
  const frames: string[] = [];
  const bob = await Talker.open(server, 'bob');
  undo.push(hooks(InboxHooks).afterDeliver(({ nodeId, frame }) => void frames.push(`${nodeId} ${frame}`)));
  const alice = await Talker.open(server, 'alice');
  await alice.ask({ dest_id: 'bob', payload: 'kept' });
  alice.send({ dest_id: 'bob', payload: 'lost', transient: true });
  await bob.next(({ payload }) => payload === 'lost');
  expect(frames).toEqual(bob.heard.slice(-2).map((text) => `bob ${text}`));
});
