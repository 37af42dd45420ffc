import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { RawSocket } from '../support/raw-socket.js';
import { type Frame, Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';

const APP = 'https://app.example';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ ALLOWED_ORIGINS: APP });
});
afterEach(() => Talker.hangUp());
afterAll(() => server.stop());

async function preConnect(nodeId: string, origin: string): Promise<Response> {
  const headers = { origin };
  return server.call(nodeId, '/v1/pre-connections', { method: 'POST', body: '{}', headers });
}

it('a page asks for a pre-connection and opens its url as it stands', async () => {
  const response = await preConnect('bob', APP);
  expect(response.status).toBe(201);
  expect(response.headers.get('access-control-allow-origin')).toBe(APP);
  const made = (await response.json()) as { url: string; validation_key: string; server: Frame };
  expect(made).toMatchObject({ expires_in: 60, server: { node_id: server.running.serverNodeId, tls: false } });
  expect(new URL(made.url).search).toContain(made.validation_key);
  expect(new URL(made.url).port).toBe(String(made.server['port']));

  const bob = await Talker.open(server, 'bob', { address: made.url, origin: APP });
  expect(bob.hello).toMatchObject({ node_id: 'bob', resumed: false, server_node_id: made.server['node_id'] });
  await bob.ask({ dest_id: 'bob', payload: 1 });
  await bob.close();

  const again = (await (await preConnect('bob', APP)).json()) as { url: string };
  const address = `${again.url}&epoch=${String(bob.hello['epoch'])}&last_seq=1`;
  const back = await Talker.open(server, 'bob', { address, origin: APP });
  expect(back.hello).toMatchObject({ resumed: true });
});

it('a page may ask before it calls', async () => {
  const asked = await fetch(`${server.url}/v1/pre-connections`, {
    method: 'OPTIONS',
    headers: {
      origin: APP,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    },
  });
  expect(asked.ok).toBe(true);
  expect(asked.headers.get('access-control-allow-origin')).toBe(APP);
  expect(asked.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('authorization');
});

it.each([
  ['another site', 'https://evil.example'],
  ['null', 'null'],
  ['a prefix', 'https://app.exampl'],
  ['a suffix', 'https://app.example.evil.example'],
  ['a sub-domain', 'https://www.app.example'],
  ['another scheme', 'http://app.example'],
  ['another port', 'https://app.example:8443'],
  ['upper case', 'https://APP.example'],
  ['a path', 'https://app.example/'],
])('a page of %s is refused on the websocket, and gets no CORS header', async (_what, origin) => {
  const response = await preConnect('carol', origin);
  expect(response.headers.get('access-control-allow-origin')).toBeNull();
  const made = (await response.json()) as { url: string };
  const { pathname, search, port } = new URL(made.url);
  const refused = await RawSocket.upgrade(Number(port), pathname + search, { origin });
  refused.socket.destroy();
  expect(refused.response.status).toBe(403);
  expect(JSON.parse(refused.response.body)).toMatchObject({ code: 'origin_refused', status: 403 });
  await Talker.open(server, 'carol', { address: made.url, origin: APP });
});

it('what a failed open does not tell, the next pre-connection does', async () => {
  const headers = { authorization: 'Bearer nonsense', origin: APP };
  const response = await fetch(`${server.url}/v1/pre-connections`, { method: 'POST', headers });
  expect(response.status).toBe(401);
  expect(response.headers.get('access-control-allow-origin')).toBe(APP);
  expect(await response.json()).toMatchObject({ code: 'unauthorized' });
});
