import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InboxLog, StoreUnavailable } from '../../modules/inbox/index.js';
import { NodesService } from '../../modules/nodes/index.js';
import type { Result } from './messages.schema.js';
import { during, HttpApp, type Who } from './testing/http-app.js';

const ann = { sub: 'ann', clientId: 'ann-and-co' };
const bob = { sub: 'bob' };
const backend = { sub: 'backend', role: 'app' } as const;

let app: HttpApp;
beforeAll(async () => {
  app = await HttpApp.start();
  // A first call makes a node known.
  for (const by of [ann, bob]) await app.call('get', '/v1/inbox', { by });
});
afterAll(() => app.close());

const textOfInbox = async (by: Who): Promise<string> => (await app.call('get', '/v1/inbox', { by })).text;
const statuses = (results: readonly Result[]): string[] => results.map(({ code, status }) => code ?? status);
const numbered = (index: number): string => `{"dest_id":"bob","id":"k${index}"}`;
const withPayload = (payload: string): string => `{"dest_id":"bob","payload":${payload}}`;
const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
const fails = (): Promise<never> => Promise.reject(new StoreUnavailable('away'));

describe('POST /v1/messages', () => {
  it('stores a message and names the caller as its source', async () => {
    const results = await app.send(ann, '{"dest_id":"bob","id":"m1","type":7,"payload":{"text":"hello"}}');
    expect(results).toEqual([{ id: 'm1', status: 'stored' }]);
    expect(await textOfInbox(bob)).toContain(
      '"type":7,"dest_id":"bob","id":"m1","src_id":"ann","src_client_id":"ann-and-co","payload":{"text":"hello"}}',
    );
  });

  it('answers each message in the order of the call, whatever becomes of the others', async () => {
    const results = await app.send(
      ann,
      '{"dest_id":"bob","id":"o1"}',
      '{"dest_id":"nobody-knows-me","id":"o2"}',
      '{"dest_id":"bob","id":"o3","colour":1}',
      '{"dest_id":"bob","id":"o1"}',
      '{"dest_id":"bob","id":"o1","payload":2}',
      '{"dest_id":"bob","id":"o4","transient":true}',
      '17',
      '{"id":"o5"}',
      '{"dest_id":"bob","id":"o6","type":-110}',
      '{"dest_session_id":"s","id":"o7"}',
      '{"dest_client_id":"c","id":"o8"}',
      '{"dest_id":"bob","id":"o9","src_id":"bob"}',
      '{"dest_id":"bob","id":"o10"}',
    );
    expect(statuses(results)).toEqual([
      'stored',
      'node_unknown',
      'unknown_field',
      'duplicate',
      'id_conflict',
      'sent',
      'not_an_object',
      'bad_destination',
      'reserved_type',
      'session_denied',
      'node_unknown',
      'reserved_field',
      'stored',
    ]);
    expect(results.map(({ id }) => id)).toEqual([
      'o1',
      'o2',
      'o3',
      'o1',
      'o1',
      'o4',
      null,
      'o5',
      'o6',
      'o7',
      'o8',
      'o9',
      'o10',
    ]);
    expect(results[2]).toMatchObject({ status: 'refused', field: 'colour' });
  });

  it('makes an id for a message that has none, and tells it', async () => {
    const [first, second] = await app.send(ann, '{"dest_id":"bob"}', '{"dest_id":"bob"}');
    expect(first).toMatchObject({ status: 'stored', id: expect.stringMatching(/^.{22}$/) });
    expect(second?.id).not.toBe(first?.id);
  });

  it.each([
    ['keys that come twice', '{"a":1,"a":2}'],
    ['numbers beyond what a program can hold', '[1e400,-1E-400,1152921504606846976,0.10,-0]'],
    ['escapes', String.raw`"\u0041\/\ud800\u0000\b"`],
    ['characters that need no escape', '"\u2028é😀"'],
    ['spaces inside', '{ "a" :\t[ 1 ,\r\n2 ] }'],
    ['brackets inside of texts', '"]}],{\\"["'],
    ['nothing', 'null'],
  ])('keeps %s byte for byte', async (what, payload) => {
    const id = `bytes-${payload.length}-${what.length}`;
    const message = `{ "payload1" :${payload}, "dest_id":"bob",  "payload": ${payload} ,"id":"${id}","payload2":\n${payload}\n}`;
    expect(statuses(await app.send(ann, message))).toEqual(['stored']);
    const text = await textOfInbox(bob);
    expect(text).toContain(
      `"id":"${id}","src_id":"ann","src_client_id":"ann-and-co","payload":${payload},"payload1":${payload},"payload2":${payload}}`,
    );
  });

  it('judges a broken, a too deep and a too large message by itself', async () => {
    const results = await app.send(
      ann,
      withPayload('1'),
      withPayload('[1}'),
      withPayload(deep(31)),
      withPayload(deep(32)),
      withPayload(deep(32_000)),
      withPayload(`"${'x'.repeat(65_536)}"`),
      withPayload('2'),
    );
    expect(statuses(results)).toEqual(['stored', 'bad_json', 'stored', 'too_deep', 'too_deep', 'too_large', 'stored']);
  });

  it('refuses what follows a message that failed for now, to the same destination only', async () => {
    // The store has no room at the moment when the first message is looked at.
    let asked = 0;
    app.health.problem = () => (asked++ === 0 ? 'the disk is full' : undefined);
    const results = await app.send(
      ann,
      '{"dest_id":"bob","id":"f1"}',
      '{"dest_id":"ann","id":"f2"}',
      '{"dest_id":"bob","id":"f3"}',
      '{"dest_id":"bob","id":"f4","transient":true}',
      '{"dest_id":"bob","id":"f1"}',
      '{"dest_id":"bob","id":"f3"}',
    );
    app.health.problem = () => undefined;
    expect(statuses(results)).toEqual(['retry_later', 'stored', 'retry_later', 'sent', 'stored', 'stored']);
    expect(results[0]).toMatchObject({ reason: 'the disk is full', retry_after_ms: 1_000 });
    expect(await textOfInbox(bob)).toMatch(/"id":"f1".*"id":"f3"/);
  });

  it('lets an app send in the name of a known node, whose client it is from then', async () => {
    const results = await app.send(
      backend,
      '{"dest_id":"bob","id":"s1","src_id":"ann"}',
      '{"dest_id":"bob","id":"s2","src_id":"who"}',
      '{"dest_id":"bob","id":"s3"}',
    );
    expect(statuses(results)).toEqual(['stored', 'invalid_field', 'stored']);
    expect(results[1]).toMatchObject({ id: 's2', field: 'src_id' });
    const text = await textOfInbox(bob);
    expect(text).toContain('"id":"s1","src_id":"ann","src_client_id":"ann-and-co"');
    expect(text).toContain('"id":"s3","src_id":"backend"');
  });

  it('lets an app write to a node that nobody has seen yet', async () => {
    expect(statuses(await app.send(backend, '{"dest_id":"newcomer","id":"n1"}'))).toEqual(['stored']);
    expect(await textOfInbox({ sub: 'newcomer' })).toContain('"id":"n1"');
  });

  it('refuses for now where the source cannot be looked up, and what follows it to the same destination', async () => {
    const away = { find: fails };
    const results = await during(app.get(NodesService), away, () =>
      app.send(backend, '{"dest_id":"bob","id":"u1","src_id":"ann"}', '{"dest_id":"bob","id":"u2"}'),
    );
    expect(statuses(results)).toEqual(['retry_later', 'retry_later']);
  });

  it('refuses for now what the store does not take', async () => {
    const results = await during(app.get(InboxLog), { insert: fails, findKeys: fails }, () =>
      app.send(bob, '{"dest_id":"bob","id":"away"}'),
    );
    expect(statuses(results)).toEqual(['retry_later']);
  });

  it('takes 1,000 messages and no more', async () => {
    // Whose rate nobody else has used.
    const fresh = { sub: 'fresh' };
    const texts = Array.from({ length: 1_000 }, (_, index) => numbered(index));
    expect(new Set(statuses(await app.send(fresh, ...texts)))).toEqual(new Set(['stored']));
    const body = `{"messages":[${[...texts, numbered(1_000)].join(',')}]}`;
    const answer = await app.call('post', '/v1/messages', { by: fresh, body });
    expect(answer.body).toMatchObject({ status: 400, code: 'invalid_field', field: 'messages' });
  });

  it('answers an empty list with an empty list', async () => {
    expect(await app.send(ann)).toEqual([]);
  });

  it.each([
    ['{}', 'invalid_field', 'messages'],
    ['{"messages":{"a":{"b":1}}}', 'invalid_field', 'messages'],
    ['{"messages":null}', 'invalid_field', 'messages'],
    ['{"messages":[],"more":[{}]}', 'unknown_field', 'more'],
    ['{"messages":[],"messages":[{}]}', 'invalid_field', 'messages'],
    ['[{"dest_id":"bob"}]', 'not_an_object', undefined],
    ['{"messages":[{"dest_id":"bob"}}', 'bad_json', undefined],
    ['{"messages":[{} {}]}', 'bad_json', undefined],
    ['{"messages":[:]}', 'bad_json', undefined],
  ])('refuses the whole of %s', async (body, code, field) => {
    const answer = await app.call('post', '/v1/messages', { by: ann, body });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code, ...(field !== undefined && { field }) });
  });

  it('counts what became of messages', async () => {
    const text = (await app.call('get', '/metrics', { by: backend })).text;
    expect(text).toMatch(/allspark_messages_total\{class="durable",way="rest",outcome="duplicate"\} 1\n/);
    expect(text).toMatch(/allspark_messages_total\{class="transient",way="rest",outcome="sent"\} 2\n/);
    expect(text).toMatch(/allspark_refusals_total\{code="id_conflict",way="rest"\} 1\n/);
  });
});
