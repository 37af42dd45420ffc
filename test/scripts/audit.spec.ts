import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

interface Entry {
  version: string;
  integrity?: string;
  license?: string;
  resolved?: string;
  link?: boolean;
  dev?: boolean;
  hasInstallScript?: boolean;
  engines?: { node: string };
  dependencies?: Record<string, string>;
}

interface Manifest {
  name: string;
  version: string;
  workspaces?: string[];
  dependencies: Record<string, string>;
  devDependencies?: Record<string, string>;
  allowScripts?: Record<string, boolean>;
}

/** What the audit looks at, as it lies in a folder. */
interface World {
  readonly root: Manifest;
  readonly own: Manifest;
  readonly packages: Record<string, Entry>;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const AUDIT = join(ROOT, 'scripts/audit.mjs');
const CHECKS = 9;
/** An npm around this process tells one inside it where its registry and its cache are: this one has its own. */
const UNTOLD = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_config_/i.test(name)));
/** What a registry tells of a package that an advisory names. */
const WS = { name: 'ws', 'dist-tags': { latest: '8.23.0' }, versions: { '8.23.0': { name: 'ws', version: '8.23.0' } } };

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  mkdirSync(join(folder, 'own'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function entry(version: string, more: Partial<Entry> = {}): Entry {
  return { version, integrity: `sha512-${'A'.repeat(86)}==`, license: 'MIT', ...more };
}

/** A small one in which nothing is wrong. */
function sound(): World {
  const dependencies = { own: '1.0.0', ws: '8.23.0', scripted: '2.0.0' };
  const root = { name: 'root', version: '1.0.0', workspaces: ['own'], dependencies };
  return {
    root: { ...root, devDependencies: { tool: '3.0.0' }, allowScripts: { scripted: false } },
    own: { name: 'own', version: '1.0.0', dependencies: {} },
    packages: {
      'node_modules/own': { version: '', resolved: 'own', link: true },
      'node_modules/ws': entry('8.23.0', { engines: { node: '^18.0.0 || >= 20' } }),
      'node_modules/scripted': entry('2.0.0', { hasInstallScript: true }),
      'node_modules/scripted/node_modules/inner': entry('0.1.0', { engines: { node: '^20.19.0 || >=22.12.0' } }),
      'node_modules/tool': entry('3.0.0', { dev: true, license: 'MPL-2.0', engines: { node: '>=24' } }),
    },
  };
}

function lay({ root, own, packages }: World, registry?: string): void {
  const all = { '': root, own, ...packages };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(root));
  writeFileSync(join(folder, 'own/package.json'), JSON.stringify(own));
  const lock = { name: 'root', version: '1.0.0', lockfileVersion: 3, requires: true, packages: all };
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));
  writeFileSync(
    join(folder, '.npmrc'),
    `registry=${registry ?? ''}\nfetch-retries=0\ncache=${mkdtempSync(join(folder, 'cache-'))}\n`,
  );
}

function audit(...args: string[]): Promise<{ code: number; said: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [AUDIT, ...args], { env: UNTOLD }, (error, said) =>
      resolve({ code: error ? Number(error.code) : 0, said }),
    );
  });
}

type Fault = readonly [title: string, plant: (world: World) => unknown, seen: RegExp];

const FAULTS: readonly Fault[] = [
  [
    'a range in package.json',
    ({ root }) => (root.dependencies['ws'] = '^8.23.0'),
    /root asks for ws \^8\.23\.0: pin it/,
  ],
  ['a tag in a workspace', ({ own }) => (own.dependencies['ws'] = 'latest'), /own asks for ws latest: pin it/],
  ['a range for a tool', ({ root }) => (root.devDependencies!['tool'] = '3.x'), /root asks for tool 3\.x/],
  [
    'another version in the lock file',
    ({ packages }) => (at(packages, 'scripted').version = '2.0.1'),
    /scripted 2\.0\.0 of package\.json is 2\.0\.1/,
  ],
  [
    'nothing in the lock file',
    ({ packages }) => delete packages['node_modules/scripted'],
    /scripted 2\.0\.0 of package\.json is not there/,
  ],
  ['no hash', ({ packages }) => delete at(packages, 'scripted').integrity, /scripted: integrity undefined/],
  [
    'a weak hash',
    ({ packages }) => (at(packages, 'scripted').integrity = 'sha1-AAAA'),
    /scripted: integrity sha1-AAAA/,
  ],
  [
    'a package of git',
    ({ packages }) => (at(packages, 'scripted').resolved = 'git+ssh://git@example.org/a/scripted.git#1'),
    /scripted comes from git\+ssh/,
  ],
  [
    'a tarball of a page',
    ({ packages }) => (at(packages, 'scripted').resolved = 'https://example.org/scripted.tgz'),
    /scripted comes from https:\/\/example\.org\/scripted\.tgz/,
  ],
  [
    'a tarball of another package',
    ({ packages }) => (at(packages, 'scripted').resolved = 'https://example.org/other/-/other-2.0.0.tgz'),
    /scripted comes from/,
  ],
  [
    'a tarball without encryption',
    ({ packages }) => (at(packages, 'scripted').resolved = 'http://example.org/scripted/-/scripted-2.0.0.tgz'),
    /scripted comes from http:/,
  ],
  ['a file', ({ packages }) => (at(packages, 'scripted').resolved = 'file:../scripted'), /scripted comes from file:/],
  [
    'a link to elsewhere',
    ({ packages }) => (packages['node_modules/foreign'] = { version: '', resolved: '../foreign', link: true }),
    /foreign links to \.\.\/foreign/,
  ],
  [
    'a package that asks for one of git',
    ({ packages }) => (at(packages, 'scripted').dependencies = { inner: 'github:a/inner' }),
    /scripted asks for inner from github:a\/inner/,
  ],
  [
    'a second ws',
    ({ packages }) => (packages['node_modules/scripted/node_modules/ws'] = entry('8.24.0')),
    /2 copies of ws/,
  ],
  ['no ws', ({ packages }) => delete packages['node_modules/ws'], /0 copies of ws/],
  ['an old ws', ({ packages }) => (at(packages, 'ws').version = '8.22.9'), /ws 8\.22\.9 is too old/],
  [
    'an install script that nobody denied',
    ({ packages }) => (at(packages, 'ws').hasInstallScript = true),
    /ws has an install script/,
  ],
  [
    'an install script that is allowed',
    ({ root }) => (root.allowScripts!['scripted'] = true),
    /scripted may run its install script/,
  ],
  ['a later Node', ({ packages }) => (at(packages, 'ws').engines = { node: '>=20.20' }), /ws wants Node >=20\.20/],
  [
    'another Node',
    ({ packages }) => (at(packages, 'ws').engines = { node: '^18 || ^22.0.0' }),
    /ws wants Node \^18 \|\| \^22/,
  ],
  [
    'a Node that nobody can read',
    ({ packages }) => (at(packages, 'ws').engines = { node: 'lts' }),
    /ws wants Node lts/,
  ],
  [
    'a licence of tools in what is passed on',
    ({ packages }) => (at(packages, 'ws').license = 'MPL-2.0'),
    /ws: licence "MPL-2\.0"/,
  ],
  [
    'a licence that is not welcome',
    ({ packages }) => (at(packages, 'tool').license = 'AGPL-3.0'),
    /tool: licence "AGPL-3\.0"/,
  ],
  ['no licence', ({ packages }) => delete at(packages, 'ws').license, /ws: licence undefined/],
];

function at(packages: Record<string, Entry>, name: string): Entry {
  return packages[`node_modules/${name}`] as Entry;
}

describe('the lock file', () => {
  it('passes when nothing is wrong, and tells how many packages were looked at', async () => {
    lay(sound());
    const { code, said } = await audit(folder, '--offline');
    expect(said).toContain('looked at 4 packages in the lock file, 4 asked for');
    expect(said).toMatch(new RegExp(`^${CHECKS} passed, 0 failed$`, 'm'));
    expect(code).toBe(0);
  });

  it('is the project’s own one in which nothing is wrong either', async () => {
    const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as World;
    expect(Object.keys(packages).length).toBeGreaterThan(300);
    expect((await audit(ROOT, '--offline')).said).toMatch(new RegExp(`^${CHECKS} passed, 0 failed$`, 'm'));
  });

  it.each(FAULTS)('fails for %s', async (_title, plant, seen) => {
    const world = sound();
    plant(world);
    lay(world);
    const { code, said } = await audit(folder, '--offline');
    expect(said).toMatch(seen);
    expect(said).toMatch(/^\d+ passed, [1-9]\d* failed$/m);
    expect(code).toBe(1);
  });
});

function advisory(severity: string): unknown {
  return { ws: [{ id: 1, url: 'https://example.org/1', title: 'planted', severity, vulnerable_versions: '<9' }] };
}

describe('advisories', () => {
  let registry: Server;
  let answer: { status: number; body: unknown };

  beforeAll(async () => {
    registry = createServer((request, response) => {
      request.resume();
      const { status, body } = request.method === 'GET' ? { status: 200, body: WS } : answer;
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => void registry.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => void registry.close());

  const ask = (status: number, body: unknown): ReturnType<typeof audit> => {
    answer = { status, body };
    lay(sound(), `http://127.0.0.1:${(registry.address() as AddressInfo).port}/`);
    return audit(folder);
  };

  it('are one more check that passes when a registry knows of none', async () => {
    const { code, said } = await ask(200, {});
    expect(said).toMatch(new RegExp(`^${CHECKS + 1} passed, 0 failed$`, 'm'));
    expect(code).toBe(0);
  });

  it('fail it when one is of high severity', async () => {
    const { code, said } = await ask(200, advisory('high'));
    expect(said).toContain('ws *: high');
    expect(said).toMatch(new RegExp(`^${CHECKS} passed, 1 failed$`, 'm'));
    expect(code).toBe(1);
  });

  it('of lower severity do not', async () => {
    const { code, said } = await ask(200, advisory('moderate'));
    expect(said).toMatch(new RegExp(`^${CHECKS + 1} passed, 0 failed$`, 'm'));
    expect(code).toBe(0);
  });

  it('are no check that passed when the registry does not answer this question, and that is told', async () => {
    const { code, said } = await ask(405, {});
    expect(said).toContain('ADVISORIES WERE NOT LOOKED AT');
    expect(said).toMatch(new RegExp(`^${CHECKS} passed, 0 failed$`, 'm'));
    expect(code).toBe(0);
  });
});
