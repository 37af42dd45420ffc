import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { program } from '../../src/main.js';
import { flagName, settableNames } from '../../src/config/settings.js';
import { TestServer } from '../support/test-server.js';
import { projectFiles, textOf } from './markdown.js';
import {
  type CommandFlags,
  type Document,
  type Finding,
  findings,
  type Kind,
  NOT_FILES,
  NOT_SETTINGS,
  type World,
} from './names.js';

const files = projectFiles();
const documents: readonly Document[] = files
  .filter((path) => path.endsWith('.md') || path === 'config/example.env')
  .map((path) => ({ path, text: textOf(path) }));

let server: TestServer;
let world: World;
beforeAll(async () => {
  server = await TestServer.start();
  world = await theWorld(server);
});
afterAll(() => server.stop());

async function theWorld(running: TestServer): Promise<World> {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
  return {
    scripts: new Set(Object.keys(scripts)),
    commands: commandsOf(program()),
    settings: new Set(settableNames),
    settingFlags: new Set(settableNames.map(flagName)),
    routes: await routesOf(running.url),
    metrics: await metricsOf(running),
    files: new Set(files),
  };
}

/** With their parents' names in front. Those that do something take every setting. */
function commandsOf(command: Command, before: readonly string[] = []): Map<string, CommandFlags> {
  const found = new Map<string, CommandFlags>();
  for (const each of command.commands) {
    const words = [...before, each.name()];
    const flags = new Set(['--help', ...each.options.flatMap(({ long }) => long ?? [])]);
    found.set(words.join(' '), { flags, settings: each.commands.length === 0 });
    for (const [name, flagsOfIt] of commandsOf(each, words)) found.set(name, flagsOfIt);
  }
  return found;
}

async function routesOf(url: string): Promise<string[]> {
  const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: Record<string, object> };
  return Object.entries(paths).flatMap(([path, calls]) =>
    Object.keys(calls).map((method) => `${method.toUpperCase()} ${path}`),
  );
}

async function metricsOf(running: TestServer): Promise<Set<string>> {
  const text = await (await running.call('documents', '/metrics', { role: 'app' })).text();
  return new Set([...text.matchAll(/^(?:# TYPE )?(allspark_[a-z_]+)/gm)].map(([, name = '']) => name));
}

const all = (): Finding[] => documents.flatMap((document) => findings(document, world));
const shown = ({ document, line, name, fault }: Finding): string => `${document}:${line} ${name}: ${fault}`;

const FEWEST: Readonly<Record<Kind, number>> = {
  script: 20,
  command: 15,
  flag: 10,
  setting: 200,
  route: 35,
  metric: 3,
  file: 150,
};

describe('the documents', () => {
  it('name nothing that is not there', () => {
    expect(
      all()
        .filter(({ fault }) => fault !== undefined)
        .map(shown),
    ).toEqual([]);
  });

  it.each(Object.entries(FEWEST))('are looked at: %s, at least %i times', (kind, fewest) => {
    expect(all().filter((finding) => finding.kind === kind).length).toBeGreaterThanOrEqual(fewest);
  });

  it('still name all that is excused', () => {
    const names = new Set(all().map(({ name }) => name));
    expect([...NOT_SETTINGS.keys(), ...NOT_FILES.keys()].filter((name) => !names.has(name))).toEqual([]);
  });
});

describe('a document that is wrong', () => {
  const small: World = {
    scripts: new Set(['check', 'start', 'test']),
    commands: new Map([
      ['start', { flags: new Set(), settings: true }],
      ['token make', { flags: new Set(['--ttl']), settings: true }],
      ['token', { flags: new Set(), settings: false }],
    ]),
    settings: new Set(['PORT', 'DATA_DIR']),
    settingFlags: new Set(['--port', '--data-dir']),
    routes: ['GET /v1/sessions/{id}', 'GET /v1/inbox'],
    metrics: new Set(['allspark_connections']),
    files: new Set(['src/main.ts', 'docs/a.md']),
  };
  const faultsOf = (text: string, path = 'docs/a.md'): string[] =>
    findings({ path, text }, small).flatMap(({ kind, name, line, fault }) =>
      fault === undefined ? [] : [`${line} ${kind} ${name}`],
    );

  it.each([
    ['a script', '`npm run chek`', '1 script npm run chek'],
    ['a script of npm', '`npm restart`', '1 script npm restart'],
    ['a script, silently', '```sh\nnpm run --silent chek\n```', '2 script npm run chek'],
    ['a command', '`npx allspark strat`', '1 command allspark strat'],
    ['a flag', '```sh\nnpx allspark token make bob --tll 5\n```', '2 flag allspark token make --tll'],
    ['a flag of start', '`npm start -- --prot 1`', '1 flag allspark start --prot'],
    ['a setting', '`DATA_DIRS`', '1 setting DATA_DIRS'],
    ['a setting in one word', '`PORTS=80`', '1 setting PORTS'],
    ['a setting in a sentence', '`set DATA_DIRS first`', '1 setting DATA_DIRS'],
    ['a call', 'ask GET /v1/inboxes.', '1 route GET /v1/inboxes'],
    ['a call in a heading', '### POST /v1/inbox', '1 route POST /v1/inbox'],
    ['a metric', '`allspark_connection`', '1 metric allspark_connection'],
    ['a file', '`src/mian.ts`', '1 file src/mian.ts'],
    ['a folder', '`src/modles/`', '1 file src/modles/'],
  ])('is seen through: %s', (_what, text, fault) => {
    expect(faultsOf(text)).toEqual([fault]);
  });

  it('is seen through in a file of settings', () => {
    expect(faultsOf('# See DATA_DIRS\n#PORTS=1\n#PORT=1', 'config/example.env')).toEqual([
      '1 setting DATA_DIRS',
      '2 setting PORTS',
    ]);
  });

  it('is not seen where all is right', () => {
    const right = [
      '`npm test`, `npm ci`, `npm start -- --port 80`, `npm run check`, `PORT=80`, `DATA_DIR`, `SIGTERM`, `main.ts`',
      '`npx allspark token make bob --ttl 5 --data-dir x | grep --not-ours`, `src/main.ts`, `src/`, Allspark stores.',
      '`GET /v1/sessions/s-1?limit=2`, [GET /v1/inbox](#x), `allspark_connections{a="b"}`, `x.module.ts`',
    ];
    expect(faultsOf(right.join('\n'))).toEqual([]);
  });
});
