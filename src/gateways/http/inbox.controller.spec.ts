import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InboxService, StoreUnavailable } from '../../modules/inbox/index.js';
import { during, HttpApp } from './testing/http-app.js';

const ann = { sub: 'ann' };
const reader = { sub: 'reader' };
const MESSAGES = 12;

interface Page {
  readonly messages: ReadonlyArray<{ readonly seq: number; readonly timestamp: number; readonly payload: unknown }>;
  readonly complete: boolean;
  readonly epoch: string;
}

let app: HttpApp;
beforeAll(async () => {
  app = await HttpApp.start({ http: { pageMessages: 5, pageMaxMessages: 10 } });
  await app.call('get', '/v1/inbox', { by: reader });
  const texts = Array.from({ length: MESSAGES }, (_, index) => `{"dest_id":"reader","payload":${index + 1}}`);
  await app.send(ann, ...texts);
});
afterAll(() => app.close());

const page = async (query: string): Promise<Page> =>
  (await app.call('get', `/v1/inbox${query}`, { by: reader })).body as Page;
const acknowledge = (body: string): ReturnType<HttpApp['call']> =>
  app.call('post', '/v1/inbox/ack', { by: reader, body });
const seqs = ({ messages }: Page): number[] => messages.map(({ seq }) => seq);

describe('GET /v1/inbox', () => {
  it('begins at the beginning and says whether there is more', async () => {
    const first = await page('');
    expect(first).toMatchObject({ floor_seq: 1, tail_seq: MESSAGES, acked_seq: 0, complete: false });
    expect(seqs(first)).toEqual([1, 2, 3, 4, 5]);
    expect(first.messages[0]).toMatchObject({ seq: 1, type: 0, dest_id: 'reader', src_id: 'ann', payload: 1 });
    const last = await page('?after_seq=5&limit=10');
    expect([seqs(last), last.complete]).toEqual([[6, 7, 8, 9, 10, 11, 12], true]);
  });

  it('takes bounds as exclusive, and answers the last ones where only an upper bound is given', async () => {
    expect(seqs(await page('?after_seq=2&before_seq=5'))).toEqual([3, 4]);
    expect(seqs(await page('?before_seq=11&limit=2'))).toEqual([9, 10]);
    const at = (await page('')).messages[0]?.timestamp ?? 0;
    expect(seqs(await page(`?before_time=${at}`))).toEqual([]);
    expect(seqs(await page(`?after_time=${at - 1}&limit=1`))).toEqual([1]);
  });

  it('is JSON that nobody keeps', async () => {
    const { headers } = await app.call('get', '/v1/inbox', { by: reader });
    expect(headers).toMatchObject({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  });

  it.each([
    ['?limit=0', 'invalid_field', 'limit'],
    ['?limit=11', 'invalid_field', 'limit'],
    ['?limit=', 'invalid_field', 'limit'],
    ['?limit=1.5', 'invalid_field', 'limit'],
    ['?limit=1e1', 'invalid_field', 'limit'],
    ['?after_seq=-1', 'invalid_field', 'after_seq'],
    ['?after_seq=9007199254740992', 'invalid_field', 'after_seq'],
    ['?after_seq=1&after_seq=1', 'invalid_field', 'after_seq'],
    ['?after_seq[$gt]=1', 'unknown_field', 'after_seq[$gt]'],
    ['?after_seq%5B%5D=1', 'unknown_field', 'after_seq[]'],
    ['?after=1', 'unknown_field', 'after'],
    ['?__proto__=1', 'unknown_field', '__proto__'],
    ['?constructor=1', 'unknown_field', 'constructor'],
    ['?after_seq=%zz', 'invalid_field', 'after_seq'],
  ])('refuses %s', async (query, code, field) => {
    const answer = await app.call('get', `/v1/inbox${query}`, { by: reader });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code, field });
  });

  it('is answered retry_later while the store is away', async () => {
    const away = { page: () => Promise.reject(new StoreUnavailable('away')) };
    const answer = await during(app.get(InboxService), away, () => app.call('get', '/v1/inbox', { by: reader }));
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.body).toMatchObject({ code: 'retry_later', retry_after_ms: 1_000 });
  });
});

describe('POST /v1/inbox/ack', () => {
  it('raises the acknowledged number and never lowers it', async () => {
    const { epoch } = await page('');
    const first = await acknowledge(`{"seq":4,"epoch":"${epoch}"}`);
    expect([first.status, first.body]).toEqual([200, { acked_seq: 4 }]);
    expect((await acknowledge('{"seq":2}')).body).toEqual({ acked_seq: 4 });
    expect(await page('')).toMatchObject({ acked_seq: 4 });
  });

  it.each([
    ['{"seq":13}', 400, 'invalid_field', 'seq'],
    ['{"seq":5,"epoch":"another"}', 409, 'epoch_changed', 'epoch'],
    ['{"seq":5,"epoch":null}', 400, 'invalid_field', 'epoch'],
    ['{"seq":"5"}', 400, 'invalid_field', 'seq'],
    ['{"seq":5.5}', 400, 'invalid_field', 'seq'],
    ['{"seq":-1}', 400, 'invalid_field', 'seq'],
    ['{"seq":1e400}', 400, 'invalid_field', 'seq'],
    ['{"seq":{"$gt":0}}', 400, 'invalid_field', 'seq'],
    ['{}', 400, 'invalid_field', 'seq'],
    ['{"seq":5,"seq":6}', 400, 'invalid_field', 'seq'],
    ['{"seq":5,"node_id":"ann"}', 400, 'unknown_field', 'node_id'],
    ['{"seq":5,"__proto__":{}}', 400, 'unknown_field', '__proto__'],
    ['{"seq":5,"constructor":1}', 400, 'unknown_field', 'constructor'],
  ])('refuses %s', async (body, status, code, field) => {
    const answer = await acknowledge(body);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ status, code, field });
  });
});
