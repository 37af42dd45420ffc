import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import type { Description } from './describe.js';
import { OpenApiProblems } from './openapi-problems.js';
import type { Route } from './route-list.js';

type Json = Record<string, unknown>;

const SECURITY = 'auth_key';
const COMPONENTS = '#/components/schemas/';

const TAGS: Readonly<Record<string, string>> = {
  'pre-connections': 'The way to a websocket',
  messages: 'Sending',
  inbox: 'What was sent to oneself',
  sessions: 'Groups of nodes',
  clients: 'All nodes of one person or account',
  nodes: 'What a backend may know of a node',
  connections: 'What a backend may do to connections',
  revocations: 'Taking keys back',
  operation: 'For whoever runs the server',
};

/** The OpenAPI document of the calls, made of the schemas that validate them. */
export class OpenApi {
  private readonly schemas: Json = {};
  private readonly problems = new OpenApiProblems();

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
        license: { name: 'MIT', identifier: 'MIT' },
      },
      // Where the description itself is, so that it also holds below a path of a proxy.
      servers: [{ url: '.' }],
      tags: this.tags(),
      paths,
      components: {
        schemas: this.schemas,
        ...this.problems.components(),
        securitySchemes: {
          [SECURITY]: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'An auth key' },
        },
      },
    };
  }

  private tags(): Json[] {
    const names = [...new Set(this.routes.map(({ path }) => tagOf(path)))];
    return names.map((name) => ({ name, ...(name in TAGS && { description: TAGS[name] }) }));
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
      responses: {
        [description.status ?? 200]: this.success(description),
        ...this.problems.of(route, (schema) => this.schema(schema)),
      },
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
    return { requestBody: { required: description.bodyOptional !== true, content: this.json(shape) } };
  }

  private success({ status = 200, answer, example }: Description): Json {
    return {
      description: STATUS_CODES[status],
      headers: this.problems.headers(),
      ...(typeof answer === 'string' && { content: { [answer]: { schema: { type: 'string' }, example } } }),
      ...(typeof answer === 'object' && { content: this.json(answer) }),
    };
  }

  private json(shape: z.ZodType): Json {
    const examples = (shape.meta()?.examples ?? []) as unknown[];
    const named = examples.map((value, index) => [`example${index + 1}`, { value }]);
    return { 'application/json': { schema: this.schema(shape), examples: Object.fromEntries(named) as Json } };
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
