import { Controller, Get, HttpException, UseFilters } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../modules/inbox/index.js';
import { Refusal } from '../../protocol/index.js';
import { ProblemFilter } from './problem.filter.js';
import { type Call, HttpApp, type Method } from './testing/http-app.js';

@Controller('broken')
@UseFilters(ProblemFilter)
class BrokenController {
  @Get('surprise')
  surprise(): never {
    throw new TypeError('a secret of the inside');
  }

  @Get('text')
  text(): never {
    // What somebody else's code may do.
    // oxlint-disable-next-line no-throw-literal
    throw 'a secret of the inside';
  }

  @Get('store')
  store(): never {
    throw new StoreUnavailable('the address of the store');
  }

  @Get('slow')
  slow(): never {
    throw new Refusal('rate_limited', { retryAfterMs: 2_001 });
  }

  @Get('teapot')
  teapot(): never {
    throw new HttpException('short and stout', 418);
  }
}

const by = { sub: 'ann' };
let app: HttpApp;
beforeAll(async () => {
  app = await HttpApp.start({ controllers: [BrokenController] });
});
afterAll(() => app.close());

describe('every error', () => {
  it.each<[Method, string, Call, number, string]>([
    ['get', '/', {}, 404, 'not_found'],
    ['get', '/v1', {}, 404, 'not_found'],
    ['get', '/v1/nothing/here?x=1', { by }, 404, 'not_found'],
    ['get', '/docs/package.json', {}, 404, 'not_found'],
    ['get', '/docs/..%2fpackage.json', {}, 404, 'not_found'],
    ['put', '/v1/inbox', { by }, 405, 'method_not_allowed'],
    ['get', '/v1/messages', { by }, 405, 'method_not_allowed'],
    ['delete', '/v1/nodes/a', { by }, 405, 'method_not_allowed'],
    ['post', '/livez', {}, 405, 'method_not_allowed'],
    ['get', '/connect', {}, 426, 'upgrade_required'],
    ['get', '/v1/inbox', {}, 401, 'unauthorized'],
    ['get', '/v1/inbox?what=1', {}, 401, 'unauthorized'],
    ['get', '/metrics', { by }, 403, 'forbidden'],
    ['get', '/broken/store', {}, 503, 'retry_later'],
    ['get', '/broken/slow', {}, 429, 'rate_limited'],
    ['get', '/broken/teapot', {}, 400, 'invalid_field'],
    ['get', '/%c3%28', {}, 404, 'not_found'],
  ])('of %s %s is a problem document', async (method, path, call, status, code) => {
    const answer = await app.call(method, path, call);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.body).toMatchObject({
      type: `urn:allspark:problem:${code}`,
      title: expect.any(String),
      status,
      code,
      detail: expect.any(String),
      request_id: answer.headers['x-request-id'],
    });
  });

  it('that nobody foresaw asks to try again, and tells nothing of the inside', async () => {
    for (const path of ['/broken/surprise', '/broken/text']) {
      const answer = await app.call('get', path);
      expect(answer.status).toBe(503);
      expect(answer.body).toMatchObject({ code: 'retry_later', retry_after_ms: 1_000 });
      expect(answer.text).not.toMatch(/secret|TypeError|\.ts/);
    }
  });

  it('has an id of its own, whatever the caller brings', async () => {
    const headers = { 'X-Request-Id': 'mine' };
    const ids = [await app.call('get', '/nothing', { headers }), await app.call('get', '/nothing', { headers })].map(
      (answer) => answer.headers['x-request-id'] as string,
    );
    expect(new Set([...ids, 'mine']).size).toBe(3);
  });
});

describe('a refusal', () => {
  it('names the methods that a path takes', async () => {
    expect((await app.call('put', '/v1/inbox')).headers['allow']).toBe('GET, HEAD, OPTIONS');
    expect((await app.call('put', '/v1/inbox/ack')).headers['allow']).toBe('POST, OPTIONS');
    expect((await app.call('put', '/nothing')).headers['allow']).toBeUndefined();
  });

  it('says in whole seconds when to come back', async () => {
    const answer = await app.call('get', '/broken/slow');
    expect(answer.headers['retry-after']).toBe('3');
    expect(answer.body).toMatchObject({ retry_after_ms: 2_001 });
  });

  it('of a key is one and the same, whatever is wrong with the key', async () => {
    const keys = [undefined, '', 'Bearer', 'Bearer x.y.z', 'Basic YTpi', 'Bearer eyJhbGciOiJub25lIn0.e30.'];
    const answers = await Promise.all(
      keys.map((key) => app.call('get', '/v1/inbox', key === undefined ? {} : { headers: { Authorization: key } })),
    );
    const shown = answers.map(({ status, text, headers }) => {
      const id = headers['x-request-id'] as string;
      const { date: _date, 'x-request-id': _id, ...rest } = headers as Record<string, string>;
      return { status, text: text.replace(id, 'ID'), headers: rest };
    });
    expect(new Set(shown.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(shown[0]).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } });
  });

  it('is counted by its code', async () => {
    const text = (await app.call('get', '/metrics', { by: { sub: 'root', role: 'admin' } })).text;
    expect(text).toMatch(/allspark_refusals_total\{code="rate_limited",way="rest"\} 2\n/);
  });
});
