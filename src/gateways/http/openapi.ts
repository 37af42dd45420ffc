import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { PROBLEM_MEDIA_TYPE, REFUSALS, type RefusalCode } from '../../protocol/index.js';
import { Problem } from './problem.js';
import type { Route } from './route-list.js';

type Json = Record<string, unknown>;

const SECURITY = 'auth_key';
const COMPONENTS = '#/components/schemas/';

/** What any call with a key may be answered. */
const GUARDED: readonly RefusalCode[] = ['unauthorized', 'retry_later', 'unknown_field', 'invalid_field'];
const WITH_BODY: readonly RefusalCode[] = [
  'bad_json',
  'not_an_object',
  'too_deep',
  'too_many_keys',
  'too_large',
  'unsupported_media_type',
];

/** The OpenAPI document of the calls, made of the schemas that validate them. */
export class OpenApi {
  private readonly schemas: Json = {};

  constructor(
    private readonly routes: readonly Route[],
    private readonly version: string,
  ) {}

  document(): Json {
    const paths: Record<string, Json> = {};
    for (const route of this.routes) {
      const path = route.path.replace(/:(\w+)/g, '{$1}');
      paths[path] = { ...paths[path], [route.method.toLowerCase()]: this.operation(route) };
    }
    return {
      openapi: '3.1.0',
      info: {
        title: 'Allspark',
        version: this.version,
        description: 'Every message arrives, or waits, or somebody is told.',
      },
      servers: [{ url: './' }],
      paths,
      components: {
        schemas: this.schemas,
        securitySchemes: {
          [SECURITY]: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'An auth key' },
        },
      },
    };
  }

  private operation(route: Route): Json {
    const { description, controller, handler, guarded } = route;
    const parameters = this.parameters(route);
    return {
      operationId: `${controller.replace(/Controller$/, '')}_${handler}`,
      tags: [tagOf(route.path)],
      summary: description.summary,
      ...(description.text !== undefined && { description: description.text }),
      security: guarded ? [{ [SECURITY]: [] }] : [],
      ...(parameters.length > 0 && { parameters }),
      ...this.requestBody(route),
      responses: this.responses(route),
    };
  }

  private parameters({ params, query, description }: Route): Json[] {
    const inPath = Object.entries(params).map(([name, schema]) => ({ name, in: 'path', required: true, schema }));
    const inQuery = optionalIn('query', query?.shape);
    const inHeaders = optionalIn('header', description.headers);
    return [...inPath, ...inQuery, ...inHeaders].map(({ schema, ...rest }) => ({
      ...rest,
      schema: this.schema(schema as z.ZodType),
    }));
  }

  private requestBody({ body, description }: Route): Json {
    const shape = description.body ?? body;
    if (!shape) return {};
    const content = { 'application/json': { schema: this.schema(shape) } };
    return { requestBody: { required: description.bodyOptional !== true, content } };
  }

  private responses(route: Route): Json {
    const { status = 200, answer } = route.description;
    const success = {
      description: STATUS_CODES[status],
      ...(answer !== undefined && { content: this.content(answer) }),
    };
    return { [status]: success, ...this.problems(route) };
  }

  private content(answer: z.ZodType | string): Json {
    if (typeof answer === 'string') return { [answer]: { schema: { type: 'string' } } };
    return { 'application/json': { schema: this.schema(answer) } };
  }

  private problems({ guarded, body, description }: Route): Json {
    const codes = [...(guarded ? GUARDED : []), ...(body ? WITH_BODY : []), ...(description.refusals ?? [])];
    const schema = this.schema(Problem);
    const statuses = [...new Set(codes.map((code) => REFUSALS[code].status))].sort((a, b) => a - b);
    return Object.fromEntries(
      statuses.map((status) => {
        const named = [...new Set(codes.filter((code) => REFUSALS[code].status === status))];
        return [status, { description: named.join(', '), content: { [PROBLEM_MEDIA_TYPE]: { schema } } }];
      }),
    );
  }

  /**
   * A schema as JSON Schema; those that have a name become components. All are shown as their input is: that of an answer
   * leaves room for fields that are added later.
   */
  private schema(schema: z.ZodType): unknown {
    const { $schema: _dialect, $defs = {}, ...own } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
    const moved = JSON.parse(JSON.stringify({ own, $defs }).replaceAll('#/$defs/', COMPONENTS)) as {
      own: Json;
      $defs: Json;
    };
    Object.assign(this.schemas, moved.$defs);
    return moved.own;
  }
}

function optionalIn(where: string, shape: Readonly<Record<string, unknown>> = {}): Array<{ schema: unknown }> {
  return Object.entries(shape).map(([name, schema]) => ({ name, in: where, required: false, schema }));
}

function tagOf(path: string): string {
  const [first = '', second] = path.split('/').slice(1);
  return first === 'v1' && second !== undefined ? second : 'operation';
}
