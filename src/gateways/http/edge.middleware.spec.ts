import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HttpApp } from './testing/http-app.js';

const by = { sub: 'ann' };
const FRIEND = 'https://app.example.com';

let app: HttpApp;
beforeAll(async () => {
  app = await HttpApp.start();
});
afterAll(() => app.close());

const corsOf = (headers: object): string[] => Object.keys(headers).filter((name) => name.startsWith('access-control'));

describe('every answer', () => {
  it.each(['/livez', '/v1/inbox', '/docs', '/nothing', '/openapi.json'])(
    'of %s keeps browsers from guessing',
    async (path) => {
      const { headers } = await app.call('get', path);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'content-security-policy': expect.stringContaining("default-src 'none'"),
        'x-request-id': expect.stringMatching(/^[\da-f-]{36}$/),
      });
      expect(headers).not.toHaveProperty('x-powered-by');
    },
  );

  it('below /v1 is kept by nobody', async () => {
    expect((await app.call('get', '/v1/inbox', { by })).headers['cache-control']).toBe('no-store');
    expect((await app.call('get', '/v1/inbox')).headers['cache-control']).toBe('no-store');
  });
});

describe('a browser of an allowed origin', () => {
  it('may read answers, refusals too', async () => {
    for (const call of [{ by }, {}]) {
      const { headers } = await app.call('get', '/v1/inbox', { ...call, headers: { Origin: FRIEND } });
      expect(headers['access-control-allow-origin']).toBe(FRIEND);
      expect(headers['vary']).toContain('Origin');
    }
  });

  it('may send a key', async () => {
    const answer = await app.call('options', '/v1/messages', {
      headers: {
        Origin: FRIEND,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization,content-type',
      },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': FRIEND,
      'access-control-allow-methods': 'POST, OPTIONS',
      'access-control-allow-headers': expect.stringContaining('Authorization'),
    });
    expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
  });
});

describe('a browser of any other origin', () => {
  it.each([
    'null',
    'https://evil.example.com',
    'https://app.example.com.evil.com',
    'https://app.example.com:8443',
    'http://app.example.com',
    'https://APP.example.com',
    'https://app.example.com/',
    'https://sub.app.example.com',
  ])('gets no CORS header: %s', async (origin) => {
    const preflight = { Origin: origin, 'Access-Control-Request-Method': 'GET' };
    expect(corsOf((await app.call('get', '/v1/inbox', { by, headers: { Origin: origin } })).headers)).toEqual([]);
    expect(corsOf((await app.call('options', '/v1/inbox', { headers: preflight })).headers)).toEqual([]);
  });
});

describe('OPTIONS and HEAD', () => {
  it('tell the methods of a path, and that there is none', async () => {
    const answer = await app.call('options', '/v1/nodes/x');
    expect([answer.status, answer.headers['allow']]).toEqual([204, 'GET, HEAD, OPTIONS']);
    expect((await app.call('options', '/v1/nothing')).status).toBe(404);
  });

  it('answer as GET does, without the body', async () => {
    const [get, head] = [await app.call('get', '/v1/inbox', { by }), await app.call('head', '/v1/inbox', { by })];
    expect([head.status, head.headers['content-length']]).toEqual([200, get.headers['content-length']]);
    expect(head.text).toBeFalsy();
    expect((await app.call('head', '/v1/inbox')).status).toBe(401);
  });
});

const lines = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-line-${index}`, 'x']));

describe('the header lines of a call', () => {
  it('may be many', async () => {
    expect((await app.call('get', '/livez', { headers: lines(80) })).status).toBe(200);
  });

  it('are refused above the limit', async () => {
    const { status, body } = await app.call('get', '/livez', { headers: lines(101) });
    expect({ status, code: (body as { code: string }).code }).toEqual({ status: 413, code: 'too_large' });
  });
});
