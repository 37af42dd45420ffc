import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConnectionsService } from '../../modules/connections/index.js';
import { ServerNode } from '../../modules/nodes/index.js';
import { HttpApp, type Who } from './testing/http-app.js';

const backend = { sub: 'backend', role: 'app' } as const;
const phone = { sub: 'phone', clientId: 'ann' };

let app: HttpApp;
beforeAll(async () => {
  app = await HttpApp.start();
  await app.call('get', '/v1/inbox', { by: phone });
  await app.send(backend, '{"dest_id":"phone"}', '{"dest_id":"phone"}', '{"dest_id":"only-named"}');
  await app.call('post', '/v1/inbox/ack', { by: phone, body: '{"seq":1}' });
});
afterAll(() => app.close());

const view = (id: string, by: Who = backend): ReturnType<HttpApp['call']> => app.call('get', `/v1/nodes/${id}`, { by });

describe('GET /v1/nodes/{id}', () => {
  it('shows a node that is away', async () => {
    const { status, body } = await view('phone');
    expect(status).toBe(200);
    expect(body).toEqual({
      node_id: 'phone',
      client_id: 'ann',
      connected: false,
      connections: [],
      last_seen: expect.any(Number),
      inbox: { tail_seq: 2, acked_seq: 1, pending: 1 },
    });
  });

  it('shows the connections of a node', async () => {
    const key = { nodeId: 'phone', clientId: 'ann', kid: null, issuedAt: 0 };
    const connection = { connectionId: 'c1', ...key, send: () => {}, close: () => {} };
    await app.get(ConnectionsService).open(connection);
    const { body } = await view('phone');
    await app.get(ConnectionsService).closed(connection);
    const server = app.get(ServerNode).id;
    expect(body).toMatchObject({
      connected: true,
      connections: [{ connection_id: 'c1', server_node_id: server, since: expect.any(Number) }],
    });
  });

  it('shows a node that somebody only wrote to', async () => {
    expect((await view('only-named')).body).toMatchObject({ client_id: null, last_seen: null, inbox: { pending: 1 } });
  });

  it.each([
    ['nobody', 404, 'node_unknown'],
    ['~alias', 400, 'invalid_field'],
    ['a%20b', 400, 'invalid_field'],
    ['a%00b', 400, 'invalid_field'],
    ['x'.repeat(129), 400, 'invalid_field'],
    ['%ff', 400, 'invalid_field'],
    ['phone?x=1', 400, 'unknown_field'],
  ])('refuses %s', async (id, status, code) => {
    const answer = await view(id);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ status, code });
  });

  it('is for trusted backends only', async () => {
    expect((await view('phone', phone)).body).toMatchObject({ status: 403, code: 'forbidden' });
    expect((await view('nobody', phone)).body).toMatchObject({ status: 403, code: 'forbidden' });
    expect((await view('phone', { sub: 'root', role: 'admin' })).status).toBe(200);
  });
});
