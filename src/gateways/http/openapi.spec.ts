import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isChosenId, isId } from '../../protocol/index.js';
import * as inbox from './inbox.schema.js';
import * as messages from './messages.schema.js';
import * as nodes from './nodes.schema.js';
import * as preConnections from './pre-connections.schema.js';
import { RouteList } from './route-list.js';
import * as sessions from './sessions.schema.js';
import { HttpApp } from './testing/http-app.js';

interface Schema {
  readonly $ref?: string;
  readonly properties?: Record<string, Schema>;
  readonly required?: string[];
  readonly pattern?: string;
}
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security: object[];
  readonly parameters?: ReadonlyArray<{
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly schema: Schema;
  }>;
  readonly requestBody?: { readonly required: boolean; readonly content: Record<string, { readonly schema: Schema }> };
  readonly responses: Record<
    string,
    { readonly description: string; readonly content?: Record<string, { readonly schema: Schema }> }
  >;
}
interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, Schema>; readonly securitySchemes: Record<string, object> };
}

let app: HttpApp;
let document: Document;
let text: string;
beforeAll(async () => {
  app = await HttpApp.start();
  const answer = await app.call('get', '/openapi.json');
  document = answer.body as Document;
  text = answer.text;
});
afterAll(() => app.close());

const operations = (): Array<[string, Operation]> =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );

const patternOf = (schema: Schema | undefined): RegExp => new RegExp(schema?.pattern ?? 'missing', 'u');

/** What Express itself serves, so that no call is left out; what takes every method is a middleware. */
const served = (): string[] => {
  const { router } = app.app.getHttpAdapter().getInstance() as {
    router: { stack: ReadonlyArray<{ route?: { path: string; methods: Record<string, boolean> } }> };
  };
  return router.stack.flatMap(({ route }) => {
    const methods = Object.keys(route?.methods ?? {});
    const path = route?.path.replace(/:(\w+)/g, '{$1}');
    return methods.length === 1 ? [`${methods[0]?.toUpperCase()} ${path}`] : [];
  });
};

describe('the description of the API', () => {
  it('has every call that is served, and no other', () => {
    const described = operations().map(([call]) => call);
    expect(described).toHaveLength(23);
    expect([...described, 'GET /docs/{file}'].sort()).toEqual(served().sort());
    expect(app.get(RouteList).routes).toHaveLength(described.length);
  });

  it('is a whole OpenAPI document: every reference leads somewhere, every path parameter is declared', () => {
    expect(document).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'Allspark', version: expect.stringMatching(/^\d+\.\d+\.\d+/) },
    });
    const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference);
    expect(references.length).toBeGreaterThan(20);
    const known = Object.entries(document.components).flatMap(([kind, named]) =>
      Object.keys(named).map((name) => `#/components/${kind}/${name}`),
    );
    expect(references.filter((reference) => !known.includes(reference ?? ''))).toEqual([]);
    for (const [call, { parameters = [] }] of operations()) {
      const declared = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
      expect([call, declared]).toEqual([call, [...call.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)]);
    }
    expect(new Set(operations().map(([, { operationId }]) => operationId)).size).toBe(operations().length);
  });

  it('says of each call who may make it, what it answers and how it refuses', () => {
    for (const [call, operation] of operations()) {
      expect(operation.summary, call).not.toBe('');
      const needsKey = call.includes('/v1/') || call.endsWith('/metrics');
      expect([call, operation.security]).toEqual([call, needsKey ? [{ auth_key: [] }] : []]);
      expect(
        Object.keys(operation.responses).filter((status) => Number(status) < 400),
        call,
      ).toHaveLength(1);
      for (const [status, { content }] of Object.entries(operation.responses)) {
        if (Number(status) < 400) continue;
        expect(content, `${call} ${status}`).toMatchObject({
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        });
      }
    }
    expect(document.components.securitySchemes).toMatchObject({ auth_key: { type: 'http', scheme: 'bearer' } });
  });

  it('shows the shapes that validate', () => {
    const { schemas } = document.components;
    expect(schemas['Acknowledgement']).toMatchObject({ required: ['seq'], additionalProperties: false });
    expect(Object.keys(schemas['MessageToSend']?.properties ?? {}).sort()).toEqual([
      'dest_client_id',
      'dest_id',
      'dest_session_id',
      'id',
      'payload',
      'payload1',
      'payload2',
      'report',
      'src_id',
      'transient',
      'type',
    ]);
    const query = document.paths['/v1/inbox']?.['get']?.parameters;
    expect(query?.map(({ name, in: place, schema }) => [name, place, schema])).toEqual(
      ['after_seq', 'before_seq', 'after_time', 'before_time', 'limit'].map((name) => [
        name,
        'query',
        { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
      ]),
    );
    expect(document.paths['/v1/pre-connections']?.['post']?.requestBody?.required).toBe(false);
  });

  it('leaves room for new fields in answers, and none in requests', () => {
    const { schemas } = document.components;
    for (const name of [
      'PreConnection',
      'InboxPage',
      'MessageResult',
      'Node',
      'Problem',
      'Session',
      'SessionList',
      'Member',
      'EntryPage',
    ]) {
      expect(schemas[name], name).not.toHaveProperty('additionalProperties');
    }
    for (const name of [
      'PreConnectionRequest',
      'BatchRequest',
      'MessageToSend',
      'Acknowledgement',
      'SessionRequest',
      'Seat',
      'JoinRequest',
      'UnjoinRequest',
    ]) {
      expect(schemas[name], name).toMatchObject({ additionalProperties: false });
    }
  });

  it('gives examples that its own shapes accept', () => {
    const shapes = [inbox, messages, nodes, preConnections, sessions].flatMap((module) => Object.values(module));
    const examples = shapes.flatMap((schema) =>
      ((schema.meta()?.examples ?? []) as unknown[]).map((example) => [
        schema.meta()?.id,
        schema.safeParse(example).error,
      ]),
    );
    expect(examples.length).toBeGreaterThan(12);
    expect(examples.filter(([, error]) => error !== undefined)).toEqual([]);
    expect(document.components.schemas['Session']).toHaveProperty('examples');
  });

  it('names the header under which a creation may be repeated', () => {
    const { parameters } = document.paths['/v1/sessions']!['post']!;
    expect(parameters).toMatchObject([{ name: 'Idempotency-Key', in: 'header', required: false }]);
    const pattern = patternOf(parameters![0]!.schema);
    expect(['a', ' ~', 'x'.repeat(128)].every((key) => pattern.test(key))).toBe(true);
    expect(['', 'é', 'x'.repeat(129), 'a\n'].some((key) => pattern.test(key))).toBe(false);
  });

  it('gives patterns of ids that agree with what is accepted', () => {
    const message = document.components.schemas['MessageToSend']?.properties;
    const samples = ['a', '~a', 'a~', '', 'a b', 'é', '.:-_@', 'x'.repeat(128), 'x'.repeat(129), 'a\n'];
    for (const sample of samples) {
      expect([sample, patternOf(message?.['id']).test(sample)]).toEqual([sample, isChosenId(sample)]);
      expect([sample, patternOf(message?.['dest_id']).test(sample)]).toEqual([sample, isId(sample)]);
    }
  });

  it('accepts and refuses the fields of a message as the codec does', async () => {
    const by = { sub: 'backend', role: 'app' } as const;
    const values: Record<string, string> = {
      transient: 'true',
      report: '["delivered"]',
      type: '1',
      src_id: '"backend"',
    };
    const known = Object.keys(document.components.schemas['MessageToSend']?.properties ?? {});
    const free = known.filter((name) => !name.startsWith('dest_') && name !== 'transient');
    const message = `{"dest_id":"backend",${free.map((name) => `"${name}":${values[name] ?? `"${name}"`}`).join(',')}}`;
    expect(await app.send(by, message)).toMatchObject([{ status: 'stored' }]);
    expect(await app.send(by, '{"dest_id":"backend","payload3":1}')).toMatchObject([{ code: 'unknown_field' }]);
  });
});

describe('the page', () => {
  it('comes from this server with everything that it loads', async () => {
    const page = await app.call('get', '/docs');
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? '');
    expect(links).toHaveLength(4);
    for (const link of links) {
      const answer = await app.call('get', `/${link}`);
      expect([link, answer.status]).toEqual([link, 200]);
      expect(answer.headers['content-type']).toMatch(/^(text\/(css|javascript); charset=utf-8|image\/png)$/);
    }
  });

  it('refers to nothing elsewhere, and could load nothing from there', async () => {
    const page = await app.call('get', '/docs');
    const style = await app.call('get', '/docs/swagger-ui.css');
    const start = await app.call('get', '/docs/start.js');
    expect(page.text).not.toMatch(/\/\//);
    expect(start.text).not.toMatch(/\/\//);
    const loaded = [...style.text.matchAll(/url\(["']?([^)]{0,10})|@import/g)].map(([, target]) => target);
    expect(loaded.length).toBeGreaterThan(0);
    expect(loaded.filter((target) => !target?.startsWith('data:'))).toEqual([]);
    // Its script has the address of a validator in it, to which it would send that of this page.
    expect(start.text).toContain('validatorUrl: null');
    const policy = page.headers['content-security-policy'] as string;
    const sources = policy.split('; ').flatMap((directive) => directive.split(' ').slice(1));
    expect(policy).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(new Set(sources)).toEqual(new Set(["'none'", "'self'", "'unsafe-inline'", 'data:']));
  });

  it('with a slash at its end leads to the one without, where its files are', async () => {
    const answer = await app.call('get', '/docs/');
    expect([answer.status, answer.headers['location']]).toEqual([308, '../docs']);
  });
});
