import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Route, RouteList } from '../../src/gateways/http/index.js';
import { TestServer } from '../support/test-server.js';

const FRIEND = 'https://app.example.com';
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

let server: TestServer;
let routes: readonly Route[];
beforeAll(async () => {
  server = await TestServer.start({ ALLOWED_ORIGINS: FRIEND });
  routes = server.running.app.get(RouteList, { strict: false }).routes;
});
afterAll(() => server.stop());

const OF_SIZE: ReadonlySet<string> = new Set(['too_large', 'too_deep', 'too_many_keys']);
const padded = (bytes: number): string => '{}'.padEnd(bytes);
/** The body itself is the first level. */
const nested = (levels: number): string => `{"x":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
const keyed = (keys: number): string => `{${Array.from({ length: keys }, (_, index) => `"k${index}":0`).join()}}`;

const isBatch = ({ path }: Route): boolean => path === '/v1/messages';
const batchOf = (message: string): string => `{"messages":[${message}]}`;

/** Of the whole, or of the first message of a batch. */
function codeIn(answer: unknown): string {
  const { code, results } = answer as { code?: string; results?: ReadonlyArray<{ code?: string }> };
  return code ?? results?.[0]?.code ?? '';
}

/** At each limit and behind it. Each message of a batch is judged by itself. */
const outcomesOf = (route: Route): string[] => {
  const tooDeep = isBatch(route) ? '200 too_deep' : '400 too_deep';
  return ['read', '413 too_large', 'read', tooDeep, 'read', '400 too_many_keys'];
};

const nameOf = ({ method, path }: Route): string => `${method} ${path}`;
const addressOf = ({ path }: Route): string => path.replace(/:\w+/g, 'x');
const ask = (method: string, address: string, headers: Record<string, string> = {}, body?: string): Promise<Response> =>
  fetch(server.url + address, { method, headers, ...(body !== undefined && { body }) });
const authorized = async (): Promise<Record<string, string>> => ({
  authorization: `Bearer ${await server.key('backend', { role: 'app' })}`,
});

const corsOf = ({ headers }: Response): string[] => [...headers.keys()].filter((name) => name.startsWith('access-'));

/** What no answer may be without. */
function expectGuarded(answer: Response, what: string): void {
  const headers = Object.fromEntries(answer.headers);
  expect(headers, what).toMatchObject({
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'content-security-policy': expect.stringContaining("default-src 'none'") as unknown,
    'x-request-id': expect.stringMatching(/^[\da-f-]{36}$/) as unknown,
  });
  expect(headers, what).not.toHaveProperty('x-powered-by');
  if (new URL(answer.url).pathname.startsWith('/v1/')) expect(headers['cache-control'], what).toBe('no-store');
}

async function expectProblem(answer: Response, status: number, code: string, what: string): Promise<void> {
  expectGuarded(answer, what);
  const type = answer.headers.get('content-type');
  const { code: told } = (await answer.json()) as { code: string };
  expect([what, answer.status, type, told]).toEqual([what, status, 'application/problem+json', code]);
}

describe('every call', () => {
  it('is looked at here', () => {
    expect(routes.length).toBeGreaterThan(15);
  });

  it('has the headers that keep browsers in their place, whatever it answers', async () => {
    for (const route of routes) {
      const headers = await authorized();
      const body = route.body ? '{}' : undefined;
      const json: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
      const answer = await ask(route.method, addressOf(route), { ...headers, ...json }, body);
      expectGuarded(answer, nameOf(route));
      await answer.text();
    }
  });

  it('asks for a key where it is not open, and says of what kind', async () => {
    for (const route of routes.filter(({ guarded }) => guarded)) {
      const answer = await ask(route.method, addressOf(route));
      expect(answer.headers.get('www-authenticate'), nameOf(route)).toBe('Bearer');
      await expectProblem(answer, 401, 'unauthorized', nameOf(route));
    }
  });

  it('names the methods of its path when it is asked by another', async () => {
    for (const route of routes) {
      const taken = routes.filter(({ path }) => path === route.path).map(({ method }) => method);
      const allowed = [...taken, ...(taken.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
      for (const method of METHODS.filter((each) => !taken.includes(each))) {
        const answer = await ask(method, addressOf(route));
        expect([nameOf(route), answer.headers.get('allow')]).toEqual([nameOf(route), allowed]);
        await expectProblem(answer, 405, 'method_not_allowed', `${method} ${route.path}`);
      }
      const options = await ask('OPTIONS', addressOf(route));
      expect([options.status, options.headers.get('allow')], nameOf(route)).toEqual([204, allowed]);
      expectGuarded(options, `OPTIONS ${route.path}`);
    }
  });

  it('answers HEAD as GET, without the body', async () => {
    for (const route of routes.filter(({ method }) => method === 'GET')) {
      const headers = await authorized();
      const [get, head] = [await ask('GET', addressOf(route), headers), await ask('HEAD', addressOf(route), headers)];
      expect([nameOf(route), head.status, await head.text()]).toEqual([nameOf(route), get.status, '']);
      expect(head.headers.get('content-type'), nameOf(route)).toBe(get.headers.get('content-type'));
      expectGuarded(head, `HEAD ${route.path}`);
      await get.text();
    }
  });

  it('takes JSON of a bounded size where it takes a body, and nothing else', async () => {
    for (const route of routes.filter(({ body }) => body !== undefined)) {
      const headers = await authorized();
      const text = await ask(route.method, addressOf(route), { ...headers, 'content-type': 'text/plain' }, '{}');
      await expectProblem(text, 415, 'unsupported_media_type', nameOf(route));
      const json = { ...headers, 'content-type': 'application/json' };
      const big = await ask(route.method, addressOf(route), json, `{"x":"${'x'.repeat(5 * 1024 * 1024)}"}`);
      await expectProblem(big, 413, 'too_large', nameOf(route));
    }
  });

  it('takes a body up to its limits, and none of one byte, one level or one key more', async () => {
    const answers: string[][] = [];
    const withBody = routes.filter(({ body }) => body !== undefined);
    for (const route of withBody) {
      const limit = (isBatch(route) ? 4 * 1_024 : 256) * 1_024;
      const [deep, tooDeep] = [32, 33].map((levels) => (isBatch(route) ? batchOf(nested(levels)) : nested(levels)));
      for (const text of [padded(limit), padded(limit + 1), deep, tooDeep, keyed(64), keyed(65)]) {
        const headers = { ...(await authorized()), 'content-type': 'application/json' };
        const answer = await ask(route.method, addressOf(route), headers, text);
        const code = codeIn(await answer.json());
        answers.push([nameOf(route), OF_SIZE.has(code) ? `${answer.status} ${code}` : 'read']);
      }
    }
    expect(answers).toEqual(withBody.flatMap((route) => outcomesOf(route).map((outcome) => [nameOf(route), outcome])));
    expect(withBody.length).toBeGreaterThanOrEqual(8);
  });

  it('may be read by pages of an allowed origin, refusals too, and by no other', async () => {
    for (const route of routes) {
      for (const method of [route.method, 'PATCH']) {
        const friend = await ask(method, addressOf(route), { origin: FRIEND });
        expect(friend.headers.get('access-control-allow-origin'), nameOf(route)).toBe(FRIEND);
        const exposed = friend.headers.get('access-control-expose-headers')?.split(', ') ?? [];
        expect(exposed.sort()).toEqual(['Allow', 'Retry-After', 'WWW-Authenticate', 'X-Request-Id']);
        expect(friend.headers.has('access-control-allow-credentials')).toBe(false);
        expect(friend.headers.get('vary')).toContain('Origin');
        const stranger = await ask(method, addressOf(route), { origin: 'https://evil.example' });
        expect([nameOf(route), corsOf(stranger)]).toEqual([nameOf(route), []]);
        await Promise.all([friend.text(), stranger.text()]);
      }
    }
  });

  it('is allowed beforehand to pages of an allowed origin, and to no other', async () => {
    for (const route of routes) {
      const asked = {
        'access-control-request-method': route.method,
        'access-control-request-headers': 'authorization',
      };
      const friend = await ask('OPTIONS', addressOf(route), { origin: FRIEND, ...asked });
      expect(friend.status).toBe(204);
      expect(friend.headers.get('access-control-allow-origin')).toBe(FRIEND);
      expect(friend.headers.get('access-control-allow-methods')?.split(', '), nameOf(route)).toContain(route.method);
      const wanted = ['Authorization', 'Content-Type', ...Object.keys(route.description.headers ?? {})];
      const given = friend.headers.get('access-control-allow-headers')?.split(', ');
      expect(given, nameOf(route)).toEqual(expect.arrayContaining(wanted));
      const stranger = await ask('OPTIONS', addressOf(route), { origin: 'null', ...asked });
      expect([nameOf(route), corsOf(stranger)]).toEqual([nameOf(route), []]);
    }
  });

  it('of a file of the page is a GET, and of no file there is none', async () => {
    const page = await (await ask('GET', '/docs')).text();
    const [, name = ''] = /(?:src|href)="docs\/([^"]+)"/.exec(page) ?? [];
    const file = await ask('GET', `/docs/${name}`);
    expect(file.status).toBe(200);
    await file.arrayBuffer();
    for (const method of METHODS.filter((each) => each !== 'GET')) {
      const answer = await ask(method, `/docs/${name}`);
      expect(answer.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
      await expectProblem(answer, 405, 'method_not_allowed', `${method} /docs/${name}`);
    }
    const options = await ask('OPTIONS', `/docs/${name}`);
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS']);
    for (const none of ['nothing.js', '..%2fpackage.json', '%2e%2e']) {
      const answer = await ask('GET', `/docs/${none}`);
      expect(answer.headers.has('allow')).toBe(false);
      await expectProblem(answer, 404, 'not_found', none);
    }
  });

  it('that there is not is a problem with the same headers', async () => {
    for (const address of ['/', '/v1', '/v1/nothing', '/v1/nodes', '/docs/nothing', '/%c3%28', '/v1/%00']) {
      await expectProblem(await ask('GET', address, await authorized()), 404, 'not_found', address);
    }
  });
});
