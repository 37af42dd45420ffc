import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import createClient from 'openapi-fetch';
import openapiTS, { astToString } from 'openapi-typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiDescription, apiDescriptionOf, type Operation, operationsOf } from '../support/api-description.js';
import { TestServer } from '../support/test-server.js';

const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));
const COMPILER = join(MODULES, 'typescript/bin/tsc');

/** What is compiled: the shape of `calls` is what the test below imports after it. */
const HEAD = `import createClient from 'openapi-fetch';
import type { paths } from './api.js';

type Client = ReturnType<typeof createClient<paths>>;
`;

/** As somebody would write it who knows the API by its types alone. */
const CONVERSATION = `
export async function conversation(client: Client): Promise<string[]> {
  const { data: sent, error } = await client.POST('/v1/messages', {
    body: { messages: [{ dest_id: 'alice', id: 'm-1', payload: { text: 'hello' } }] },
  });
  if (error) throw new Error(error.code + error.detail);
  const { data: page } = await client.GET('/v1/inbox', { params: { query: { after_seq: 0, limit: 10 } } });
  const { data: acked } = await client.POST('/v1/inbox/ack', { body: { seq: page?.tail_seq ?? 0 } });
  const { data: session } = await client.POST('/v1/sessions', {
    params: { header: { 'Idempotency-Key': 'once' } },
    body: { anyone_can_join: true },
  });
  const id: string = session?.session_id ?? '';
  const { data: seen } = await client.GET('/v1/sessions/{id}', { params: { path: { id } } });
  const wrong = await client.POST('/v1/sessions', { body: { notify_limit: -1, history: 'all' } });
  return [
    sent.results[0]?.status ?? '',
    String(acked?.acked_seq),
    seen?.members[0]?.role ?? '',
    wrong.error?.fields?.[0]?.field ?? '',
    String(wrong.response.status),
  ];
}
`;

let server: TestServer;
let api: ApiDescription;
let folder: string;
beforeAll(async () => {
  server = await TestServer.start();
  api = await apiDescriptionOf(server.url);
  folder = await mkdtemp(join(tmpdir(), 'allspark-client-'));
  await symlink(MODULES, join(folder, 'node_modules'));
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A call of each operation, made of the description alone, so that a new one is in it by itself. */
function everyCall(): string {
  const calls = operationsOf(api).map(([call, operation]) => {
    const [method = '', path = ''] = call.split(' ');
    return `  '${call}': (client: Client) => client.${method}('${path}', ${argumentsOf(operation)}),`;
  });
  return `export const calls = {\n${calls.join('\n')}\n};\n`;
}

function argumentsOf({ parameters = [], requestBody, responses }: Operation): string {
  const named = (place: string): Array<[string, unknown]> =>
    parameters.flatMap(({ name, in: where, schema }) =>
      where === place ? [[name, schema.examples?.[0] ?? (schema.type === 'integer' ? 1 : 'a')]] : [],
    );
  const places = ['path', 'query', 'header'].map((place) => [place, named(place)] as const);
  const params = Object.fromEntries(
    places.flatMap(([place, values]) => (values.length > 0 ? [[place, Object.fromEntries(values)]] : [])),
  );
  const body = Object.values(requestBody?.content['application/json']?.examples ?? {})[0]?.value;
  const isJson = Object.values(responses).some(({ content = {} }) => 'application/json' in content);
  const shown = { ...(parameters.length > 0 && { params }), ...(body !== undefined && { body }) };
  return JSON.stringify({ ...shown, ...(!isJson && { parseAs: 'text' }) });
}

const COMPILER_OPTIONS = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  module: 'nodenext',
  target: 'es2023',
  lib: ['es2023', 'dom', 'dom.iterable'],
  types: [],
  noEmitOnError: true,
};

/** What the compiler says of a program, a line for each fault; without any, the program is written too. */
async function compile(name: string): Promise<string[]> {
  const project = join(folder, `${name}.json`);
  await writeFile(project, JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files: [`${name}.ts`] }));
  // In a process of its own: it keeps one busy for seconds, and the server of this one would call itself overloaded.
  return new Promise((resolve) => {
    execFile(process.execPath, [COMPILER, '-p', project], (_error, stdout) => {
      resolve(stdout.split('\n').filter((line) => line.includes('error')));
    });
  });
}

type Client = ReturnType<typeof createClient>;
interface Compiled {
  readonly calls: Record<
    string,
    (client: Client) => Promise<{ readonly response: Response; readonly error?: unknown }>
  >;
  readonly conversation: (client: Client) => Promise<string[]>;
}

const importOf = async (name: string): Promise<Compiled> =>
  (await import(pathToFileURL(join(folder, name)).href)) as Compiled;

const clientOf = async (nodeId: string, role: 'node' | 'app'): Promise<Client> =>
  createClient({ baseUrl: server.url, headers: { authorization: `Bearer ${await server.key(nodeId, { role })}` } });

describe('a client that is generated from the description', () => {
  beforeAll(async () => {
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'api.d.ts'), astToString(await openapiTS(JSON.stringify(api))));
    await writeFile(join(folder, 'program.ts'), HEAD + CONVERSATION + everyCall());
  });

  it('compiles with every operation', async () => {
    expect(await compile('program')).toEqual([]);
  });

  it('talks with a server: what it names is there', async () => {
    const { conversation } = await importOf('program.js');
    expect(await conversation(await clientOf('alice', 'node'))).toEqual([
      'stored',
      '1',
      'owner',
      'notify_limit',
      '400',
    ]);
  });

  it.each(['node', 'app'] as const)('of the role %s gets answers that the description has', async (role) => {
    const { calls } = await importOf('program.js');
    const client = await clientOf(`a-${role}`, role);
    for (const [call, operation] of operationsOf(api)) {
      const { response, error } = await calls[call]!(client);
      expect(Object.keys(operation.responses), call).toContain(String(response.status));
      expect([call, response.status === 400 || response.status >= 500, error]).toEqual([call, false, error]);
    }
  });

  it('does not compile with a field, a path or an answer that there is not', async () => {
    const wrong = `${HEAD}
declare const client: Client;
void client.POST('/v1/messages', { body: { messages: [{ dest_id: 1 }] } });
void client.POST('/v1/sessions', { body: { type: 'party' } });
void client.GET('/v1/nothing');
void client.GET('/v1/inbox').then(({ data }) => data?.nothing);
`;
    await writeFile(join(folder, 'wrong.ts'), wrong);
    const lines = (await compile('wrong')).map((fault) => Number(/wrong\.ts\((\d+)/.exec(fault)?.[1]));
    expect([...new Set(lines)]).toEqual([7, 8, 9, 10]);
  });
});
