import { afterEach, expect, it } from 'vitest';
import { ServerNode, ServerNodesView } from '../../src/modules/nodes/index.js';
import { freePorts } from '../support/free-ports.js';
import { Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

/** Nobody looks at the registry by itself, nor at an inbox, for as long as a test takes. */
const SLOW = {
  SERVER_NODE_HEARTBEAT_MS: '600000',
  SERVER_NODE_STALE_MS: '1800000',
  POLL_INTERVAL_MS: '600000',
  POLL_JITTER_MS: '0',
};

const servers: TestServer[] = [];
afterEach(async () => {
  Talker.hangUp();
  for (const server of servers.splice(0).toReversed()) await server.stop();
});

async function start(settings: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  const [first] = servers;
  const server = await TestServer.start({ ...SLOW, ...(first && { DATA_DIR: first.dataDir }), ...settings });
  servers.push(server);
  return server;
}

function isKnown(at: TestServer, of: TestServer): boolean {
  const { bootId } = of.running.app.get(ServerNode, { strict: false });
  return at.running.app.get(ServerNodesView, { strict: false }).isLive(bootId);
}

/** From a node at the one to a node at the other, transient first: there is no poll that would find it. */
async function reaches(from: TestServer, to: TestServer, reader: string): Promise<void> {
  const [alice, bob] = [await Talker.open(from, 'alice'), await Talker.open(to, reader)];
  alice.send({ dest_id: reader, payload: 'now', transient: true });
  expect(await bob.next()).toMatchObject({ payload: 'now' });
  expect(await alice.ask({ dest_id: reader, payload: 'kept' })).toMatchObject({ status: 'stored' });
  expect(await bob.nextEntries(1)).toMatchObject([{ payload: 'kept' }]);
  expect(alice.rest).toEqual([]);
  await Promise.all([alice.close(), bob.close()]);
}

it('a server node that has just come is told of messages before the next heartbeat of those that were there', async () => {
  const first = await start();
  const second = await start();
  await reaches(first, second, 'bob');
  const third = await start();
  await reaches(first, third, 'carol');
  await reaches(second, third, 'dave');
});

it('so is one that was started anew at its address', async () => {
  const [port] = await freePorts(1);
  const first = await start();
  const second = await start({ PORT: String(port) });
  await reaches(first, second, 'bob');
  servers[1] = await second.restart();
  await reaches(first, servers[1], 'carol');
});

it('lets nobody in before those that were there know of it', async () => {
  const [port] = await freePorts(1);
  const first = await start();
  const second = await start({ PORT: String(port) });
  expect(isKnown(first, second)).toBe(true);
  const third = await start();
  expect([isKnown(first, third), isKnown(second, third)]).toEqual([true, true]);
  servers[1] = await second.restart();
  expect([isKnown(first, servers[1]), isKnown(third, servers[1])]).toEqual([true, true]);
});
