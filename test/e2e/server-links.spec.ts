import { once } from 'node:events';
import { WebSocket } from 'ws';
import { afterEach, describe, expect, it } from 'vitest';
import { LinkTokens } from '../../src/links/link-tokens.js';
import type { RunningServer } from '../../src/create-app.js';
import { Metrics } from '../../src/common/metrics.js';
import { ServerNode, ServerNodesView } from '../../src/modules/nodes/index.js';
import { PeerLinks } from '../../src/modules/routing/index.js';
import { PeerRouting } from '../../src/modules/routing/peer-routing.js';
import { Heard, notice } from '../../src/modules/routing/testing/index.js';
import { signAuthKey } from '../../src/modules/auth/index.js';
import { freePorts } from '../support/free-ports.js';
import { SECRET, TestServer } from '../support/test-server.js';

/** The same as that of the auth keys, which is the worst that an operator can do. */
const LINK_SECRET = SECRET;
const tokens = new LinkTokens(LINK_SECRET);
const VERSIONS = { lowest: 1, highest: 1 };

let server: TestServer | undefined;
let other: TestServer | undefined;

afterEach(async () => {
  await other?.stop();
  await server?.stop();
  server = other = undefined;
});

function tokenFor({ running }: TestServer): string {
  const node = running.app.get(ServerNode, { strict: false });
  const from = { serverNodeId: '~sother', bootId: 'boot' };
  return tokens.sign(tokens.claims(from, { serverNodeId: node.id, bootId: node.bootId }, VERSIONS));
}

/** The status of the answer: 101 for a link that opened. */
async function statusAt(url: string, token: string | undefined, path = '/link'): Promise<number> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}${path}`, { headers });
  socket.on('error', () => {});
  const opened = once(socket, 'message').then(() => 101);
  const refused = once(socket, 'unexpected-response').then(
    ([, response]) => (response as { statusCode: number }).statusCode,
  );
  const status = await Promise.race([opened, refused]);
  socket.terminate();
  return status;
}

describe('a link from another server node', () => {
  it('is opened on the public listener, by the secret of the cluster alone', async () => {
    server = await TestServer.start({ LINK_SECRET });
    const { url } = server.running;
    const authKey = await signAuthKey({ sub: 'eve', role: 'admin', alg: 'HS256', secret: SECRET });
    expect(await statusAt(url, authKey)).toBe(404);
    expect(await statusAt(url, undefined)).toBe(404);
    expect(await statusAt(url, tokenFor(server))).toBe(101);
  });

  it('never speaks as a client', async () => {
    server = await TestServer.start({ LINK_SECRET });
    expect(await statusAt(server.running.url, tokenFor(server), '/connect')).toBe(401);
    const headers = { authorization: `Bearer ${tokenFor(server)}` };
    expect((await fetch(`${server.running.url}/v1/inbox`, { headers })).status).toBe(401);
  });

  it('is opened on INTERNAL_ADDRESS and nowhere else, where there is nothing else', async () => {
    const [port] = await freePorts(1);
    server = await TestServer.start({ LINK_SECRET, INTERNAL_ADDRESS: `127.0.0.1:${port}` });
    expect(await statusAt(server.running.url, tokenFor(server))).toBe(404);
    expect(await statusAt(`ws://127.0.0.1:${port}`, tokenFor(server))).toBe(101);
    expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(404);
  });

  it('does not keep the server node from going away', async () => {
    server = await TestServer.start({ LINK_SECRET });
    const headers = { authorization: `Bearer ${tokenFor(server)}` };
    const socket = new WebSocket(`${server.running.url.replace(/^http/, 'ws')}/link`, { headers });
    await once(socket, 'message');
    expect(await server.running.app.get(Metrics, { strict: false }).text()).toContain('allspark_link_faults_total');
    const closed = once(socket, 'close');
    await server.stop();
    server = undefined;
    expect((await closed)[0]).toBe(1001);
  });
});

/** In place of the routing, which listens already. */
function hear({ app }: RunningServer, heard: Heard): void {
  const { received, changed } = { received: heard.received.bind(heard), changed: heard.changed.bind(heard) };
  Object.assign(app.get(PeerRouting, { strict: false }), { received, changed });
}

describe('two server nodes of one store', () => {
  it('reach each other where the registry says, and notice that one goes away', async () => {
    server = await TestServer.start();
    other = await TestServer.start({ DATA_DIR: server.dataDir });
    const [from, to] = [server.running, other.running];
    await from.app.get(ServerNodesView, { strict: false }).refresh();
    const [sender, receiver] = [new Heard(), new Heard()];
    hear(from, sender);
    hear(to, receiver);
    expect(from.app.get(PeerLinks, { strict: false }).send(to.serverNodeId, notice(1))).toBe(true);
    await receiver.count(1);
    expect(receiver.from(from.serverNodeId)).toEqual([notice(1)]);
    const gone = sender.change(to.serverNodeId, 'down');
    await other.stop();
    other = undefined;
    await gone;
  });
});
