import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../modules/inbox/index.js';
import { SessionsService } from '../../modules/sessions/index.js';
import { ProblemFilter } from './problem.filter.js';
import { during, HttpApp, type Method, type Who } from './testing/http-app.js';

const ann = { sub: 'ann' };
const backend = { sub: 'backend', role: 'app' } as const;
const KIB = 1024;
const metadataOf = (bytes: number): string => `{"metadata":{"a":"${'x'.repeat(bytes - '{"a":""}'.length)}"}}`;

let app: HttpApp;
beforeAll(async () => {
  app = await HttpApp.start({ http: { pageMessages: 2, pageMaxMessages: 3 } });
  await app.call('post', '/v1/sessions', { by: backend, body: '{"session_id":"s","members":[{"node_id":"ann"}]}' });
});
afterAll(() => app.close());

const ask = (by: Who, method: Method, path: string, body?: string): ReturnType<HttpApp['call']> =>
  app.call(method, `/v1/sessions${path}`, { by, ...(body !== undefined && { body }) });

describe('POST /v1/sessions', () => {
  it('takes no body, an empty one, and metadata of exactly 4 KiB', async () => {
    for (const body of [undefined, '{}', metadataOf(4 * KIB)])
      expect((await ask(ann, 'post', '', body)).status).toBe(201);
  });

  it.each([
    ['{"type":"party"}', 400, 'invalid_field', 'type'],
    ['{"type":null}', 400, 'invalid_field', 'type'],
    ['{"master_node_id":"ann"}', 400, 'invalid_field', 'master_node_id'],
    ['{"master_node_id":"ann","type":"normal"}', 400, 'invalid_field', 'master_node_id'],
    ['{"type":"game","master_node_id":"~ann"}', 400, 'invalid_field', 'master_node_id'],
    ['{"anyone_can_join":1}', 400, 'invalid_field', 'anyone_can_join'],
    ['{"anonymous":"yes"}', 400, 'invalid_field', 'anonymous'],
    ['{"notify_limit":-1}', 400, 'invalid_field', 'notify_limit'],
    ['{"notify_limit":1.5}', 400, 'invalid_field', 'notify_limit'],
    ['{"history":"none"}', 400, 'invalid_field', 'history'],
    ['{"metadata":[]}', 400, 'invalid_field', 'metadata'],
    ['{"metadata":"a"}', 400, 'invalid_field', 'metadata'],
    [metadataOf(4 * KIB + 1), 400, 'invalid_field', 'metadata'],
    ['{"metadata":{"a":{"constructor":1}}}', 400, 'invalid_field', 'metadata.a.constructor'],
    ['{"metadata":{"__proto__":{}}}', 400, 'invalid_field', 'metadata.__proto__'],
    ['{"owner":"ann"}', 400, 'unknown_field', 'owner'],
    ['{"type":"game","type":"game"}', 400, 'invalid_field', 'type'],
    ['[]', 400, 'not_an_object', undefined],
    ['{"session_id":"mine"}', 403, 'forbidden', 'session_id'],
    ['{"members":[]}', 403, 'forbidden', 'members'],
  ])('of a node refuses %s', async (body, status, code, field) => {
    const answer = await ask(ann, 'post', '', body);
    expect([answer.status, answer.body]).toMatchObject([status, { code, ...(field !== undefined && { field }) }]);
  });

  it.each([
    ['{"session_id":"~s1"}', 400, 'invalid_field', 'session_id'],
    ['{"session_id":{"$gt":""}}', 400, 'invalid_field', 'session_id'],
    ['{"session_id":"s"}', 409, 'session_exists', 'session_id'],
    ['{"type":"game"}', 400, 'invalid_field', 'master_node_id'],
    ['{"anonymous":true}', 400, 'invalid_field', 'anonymous'],
    ['{"members":["ann"]}', 400, 'invalid_field', 'members.0'],
    ['{"members":[{}]}', 400, 'invalid_field', 'members.0.node_id'],
    ['{"members":[{"node_id":"ann","role":"owner"}]}', 400, 'unknown_field', 'members.0.role'],
    ['{"members":[{"node_id":"ann"},{"node_id":"ann"}]}', 400, 'invalid_field', 'members'],
    ['{"members":[{"node_id":"ann","alias":"ann"}]}', 400, 'invalid_field', 'members.0.alias'],
    ['{"members":[{"node_id":"ann","alias":"~a b"}]}', 400, 'invalid_field', 'members.0.alias'],
    ['{"members":[{"node_id":"ann","anonymous":false,"alias":"~a"}]}', 400, 'invalid_field', 'members.0.alias'],
    ['{"members":[{"node_id":"a","alias":"~a"},{"node_id":"b","alias":"~a"}]}', 409, 'alias_taken', 'members'],
  ])('of an app refuses %s', async (body, status, code, field) => {
    const answer = await ask(backend, 'post', '', body);
    expect([answer.status, answer.body]).toMatchObject([status, { code, field }]);
  });

  it.each([
    ['x'.repeat(129), 400],
    ['', 400],
    ['é', 400],
    ['x'.repeat(128), 201],
    ['with space ~', 201],
  ])('with the Idempotency-Key %s is answered %i', async (key, status) => {
    const answer = await app.call('post', '/v1/sessions', { by: ann, headers: { 'Idempotency-Key': key } });
    expect(answer.status).toBe(status);
    if (status === 400) expect(answer.body).toMatchObject({ code: 'invalid_field', field: 'idempotency-key' });
  });
});

describe('a call of a session', () => {
  it.each([
    ['get', '?limit=0', 'invalid_field', 'limit'],
    ['get', '?limit=4', 'invalid_field', 'limit'],
    ['get', '?cursor=~a', 'invalid_field', 'cursor'],
    ['get', '?cursor=a&cursor=a', 'invalid_field', 'cursor'],
    ['get', '?after=1', 'unknown_field', 'after'],
    ['get', '/s?members_cursor=a%20b', 'invalid_field', 'members_cursor'],
    ['get', '/s?members_cursor=', 'invalid_field', 'members_cursor'],
    ['get', '/s?cursor=a', 'unknown_field', 'cursor'],
    ['get', '/a%20b', 'invalid_field', 'id'],
    ['get', '/s/messages?limit=4', 'invalid_field', 'limit'],
    ['get', '/s/messages?after=-1', 'invalid_field', 'after'],
    ['get', '/s/messages?before=x', 'invalid_field', 'before'],
    ['get', '/s/messages?after=1&after=1', 'invalid_field', 'after'],
    ['get', '/s/messages?after[$gt]=1', 'unknown_field', 'after[$gt]'],
    ['get', '/s/messages?after_seq=1', 'unknown_field', 'after_seq'],
    ['delete', '/s?reason=x', 'unknown_field', 'reason'],
  ] as const)('%s %s is refused', async (method, path, code, field) => {
    const answer = await ask(backend, method, path);
    expect([answer.status, answer.body]).toMatchObject([400, { code, field }]);
  });

  it.each([
    ['/s/join', '{"node_id":"~a"}', 'invalid_field', 'node_id'],
    ['/s/join', '{"alias":"a"}', 'invalid_field', 'alias'],
    ['/s/join', '{"alias":"~a","anonymous":false}', 'invalid_field', 'alias'],
    ['/s/join', '{"anonymous":null}', 'invalid_field', 'anonymous'],
    ['/s/join', '{"role":"master"}', 'unknown_field', 'role'],
    ['/s/unjoin', '{"node_id":"a","alias":"~a"}', 'invalid_field', 'alias'],
    ['/s/unjoin', '{"alias":"ann"}', 'invalid_field', 'alias'],
    ['/s/unjoin', '{"anonymous":true}', 'unknown_field', 'anonymous'],
    ['/s/reveal', '{"node_id":"ann"}', 'unknown_field', 'node_id'],
    ['/s/reveal', '[]', 'not_an_object', undefined],
  ])('post %s %s is refused', async (path, body, code, field) => {
    const answer = await ask(backend, 'post', path, body);
    expect([answer.status, answer.body]).toMatchObject([400, { code, ...(field !== undefined && { field }) }]);
  });

  it('is answered retry_later while the store is away', async () => {
    const away = { view: () => Promise.reject(new StoreUnavailable('away')) };
    const answer = await during(app.get(SessionsService), away, () => ask(ann, 'get', '/s'));
    expect([answer.status, answer.body]).toMatchObject([503, { code: 'retry_later' }]);
  });

  it('that fails is logged under its route, without the ids of its path', async () => {
    const broken = { view: () => Promise.reject(new TypeError('broken')) };
    const lines: string[] = [];
    const listening = { error: (line: string) => void lines.push(line) };
    await during(app.get(ProblemFilter)['logger'], listening, () =>
      during(app.get(SessionsService), broken, () => ask(ann, 'get', '/secret-session?members_cursor=~alias')),
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^GET \/v1\/sessions\/:id failed/);
  });
});

describe('GET /v1/sessions/{id}/messages', () => {
  it('keeps payloads byte for byte, and pages', async () => {
    const payload = '{"a":1,"a":1e400, "b":0.10}';
    const texts = [1, 2, 3].map((index) => `{"dest_session_id":"s","id":"m${index}","payload":${payload}}`);
    await app.send(ann, ...texts);
    const first = await ask(ann, 'get', '/s/messages');
    expect(first.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(first.text.split(`"payload":${payload}`)).toHaveLength(3);
    expect(first.body).toMatchObject({ tail: 4, complete: false });
    const last = await ask(ann, 'get', '/s/messages?after=3&limit=3');
    expect(last.body).toMatchObject({ messages: [{ session_seq: 4, id: 'm3', src_id: 'ann' }], complete: true });
    expect(Object.keys((last.body as { messages: object[] }).messages[0] ?? {})).not.toContain('seq');
    const upper = await ask(ann, 'get', '/s/messages?before=4&limit=1');
    expect(upper.body).toMatchObject({ messages: [{ session_seq: 3 }], complete: false });
  });
});
