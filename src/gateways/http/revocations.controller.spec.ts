import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConnectionsService, type LiveConnection } from '../../modules/connections/index.js';
import { HttpApp, keyOf, type Who } from './testing/http-app.js';

const backend = { sub: 'backend', role: 'app' } as const;

let app: HttpApp;
let closes: unknown[][];
beforeAll(async () => {
  app = await HttpApp.start();
});
afterAll(() => app.close());

async function connect(connectionId: string, key: Partial<LiveConnection> = {}): Promise<void> {
  closes = [];
  const close: LiveConnection['close'] = (...end) => void closes.push([connectionId, ...end]);
  const base = { nodeId: 'phone', clientId: 'ann', kid: null, issuedAt: 0 };
  await app.get(ConnectionsService).open({ connectionId, ...base, send: () => {}, close, ...key });
}

const revoke = (body: unknown, by: Who = backend): ReturnType<HttpApp['call']> =>
  app.call('post', '/v1/revocations', { by, body: JSON.stringify(body) });

const asked = (authorization: string): ReturnType<HttpApp['call']> =>
  app.call('get', '/v1/inbox', { headers: { authorization } });

const remove = (at: string, by: Who = backend): ReturnType<HttpApp['call']> => app.call('delete', at, { by });

describe('POST /v1/revocations', () => {
  it.each([
    [{ node_id: 'first' }, { nodeId: 'first' }],
    [{ client_id: 'second' }, { clientId: 'second' }],
    [{ kid: 'third' }, { kid: 'third' }],
  ])('by %j closes what its keys opened', async (named, key) => {
    await connect('c1', key);
    const answer = await revoke({ ...named, reason: 'lost' });
    expect([answer.status, answer.body]).toEqual([201, { ...named, issued_before: expect.any(Number) }]);
    expect(closes).toEqual([['c1', 4500, 'lost']]);
  });

  it('refuses the key that was issued before, as it refuses any bad key', async () => {
    const key = await keyOf({ sub: 'lost-phone' });
    expect((await asked(`Bearer ${key}`)).status).toBe(200);
    await revoke({ node_id: 'lost-phone' });
    const [refused, bad] = [await asked(`Bearer ${key}`), await asked('Bearer x')];
    expect(refused.status).toBe(401);
    expect({ ...refused.body, request_id: '' }).toEqual({ ...bad.body, request_id: '' });
  });

  it.each([
    [{}, 'invalid_field', undefined],
    [{ reason: 'x' }, 'invalid_field', undefined],
    [{ node_id: 'a', client_id: 'b' }, 'invalid_field', undefined],
    [{ node_id: 'a', client_id: 'b', kid: 'c' }, 'invalid_field', undefined],
    [{ node_id: null }, 'invalid_field', 'node_id'],
    [{ node_id: '~alias' }, 'invalid_field', 'node_id'],
    [{ node_id: { $ne: '' } }, 'invalid_field', 'node_id'],
    [{ client_id: 7 }, 'invalid_field', 'client_id'],
    [{ kid: '' }, 'invalid_field', 'kid'],
    [{ kid: 'k'.repeat(257) }, 'invalid_field', 'kid'],
    [{ kid: 'k', reason: 'é'.repeat(62) }, 'invalid_field', 'reason'],
    [{ node_id: 'a', until: 1 }, 'unknown_field', 'until'],
    [[], 'not_an_object', undefined],
  ])('refuses %j', async (body, code, field) => {
    const answer = await revoke(body);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code, ...(field !== undefined && { field }) });
  });

  it('is for trusted backends only', async () => {
    expect((await revoke({ node_id: 'phone' }, { sub: 'other' })).body).toMatchObject({ code: 'forbidden' });
    expect((await revoke({ kid: 'x' }, { sub: 'root', role: 'admin' })).status).toBe(201);
  });
});

describe.each([
  ['DELETE /v1/nodes/{id}/connections', '/v1/nodes/phone/connections', '/v1/nodes/nobody/connections'],
  ['DELETE /v1/connections/{id}', '/v1/connections/c2', '/v1/connections/c9'],
])('%s', (_title, path, unknown) => {
  it('closes with 4501 and the reason, and counts', async () => {
    await connect('c2', { issuedAt: 2 ** 40 });
    const answer = await remove(`${path}?reason=signed%20out`);
    expect([answer.status, answer.body]).toEqual([200, { closed: 1 }]);
    expect(closes).toEqual([['c2', 4501, 'signed out']]);
    expect((await remove(path)).body).toEqual({ closed: 0 });
  });

  it('answers 0 for what is not there', async () => {
    expect((await remove(unknown)).body).toEqual({ closed: 0 });
  });

  it.each([
    ['?reason=' + 'x'.repeat(124), 'invalid_field'],
    ['?reason=a&reason=b', 'invalid_field'],
    ['?why=x', 'unknown_field'],
  ])('refuses %s', async (query, code) => {
    expect((await remove(path + query)).body).toMatchObject({ status: 400, code });
  });

  it('is for trusted backends only', async () => {
    expect((await remove(path, { sub: 'other' })).body).toMatchObject({ status: 403, code: 'forbidden' });
  });
});
