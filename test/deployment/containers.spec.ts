import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseYaml } from '@redocly/openapi-core';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';
import { findVariable } from '../../src/config/settings.js';
import { startServer } from '../support/server-process.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LONG = 'a secret of at least thirty-two bytes';
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

interface Service {
  readonly image: string;
  readonly environment?: Record<string, string>;
  readonly stop_grace_period?: string;
  readonly volumes?: readonly string[];
  readonly depends_on?: Record<string, { readonly condition: string }>;
}
interface Compose {
  readonly services: Record<string, Service>;
}
interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}
interface Container {
  readonly image: string;
  readonly env: ReadonlyArray<{ readonly name: string; readonly value?: string }>;
  readonly ports: ReadonlyArray<{ readonly name: string; readonly containerPort: number }>;
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
  readonly startupProbe: Probe;
  readonly volumeMounts: ReadonlyArray<{ readonly mountPath: string }>;
}
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Record<string, string>;
  readonly spec?: {
    readonly serviceName?: string;
    readonly clusterIP?: string;
    readonly template?: {
      readonly spec: { readonly terminationGracePeriodSeconds: number; readonly containers: readonly Container[] };
    };
  };
}

const dockerfile = read('Dockerfile').replaceAll('\\\n', ' ');
const compose = parseYaml(read('docker-compose.yml')) as Compose;
const manifests = read('config/kubernetes/allspark.yaml')
  .split(/^---$/m)
  .map((document) => parseYaml(document) as Manifest);

/** What the server says against an environment. */
function faultsOf(env: Record<string, string>): unknown {
  const loaded = loadConfig({ env, readFile: () => '' });
  return loaded.ok ? [] : loaded.faults;
}

const isSetting = (name: string): boolean => findVariable(name) !== undefined;
const words = (instruction: string): string[] =>
  JSON.parse(new RegExp(`${instruction} (\\[.*\\])$`, 'm').exec(dockerfile)?.[1] ?? '[]') as string[];
const drainSeconds = Number(findVariable('DRAIN_TOTAL_MS')?.fallback) / 1_000;
const settingsOfImage = Object.fromEntries(
  [...(/^ENV (.*)$/m.exec(dockerfile)?.[1] ?? '').matchAll(/(\w+)=(\S+)/g)].map(([, name = '', value = '']) => [
    name,
    value,
  ]),
);

describe('the Dockerfile', { timeout: 60_000 }, () => {
  it('copies what is there, and what .dockerignore lets through', () => {
    const passes = read('.dockerignore').split('\n');
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, paths = '']) =>
      paths.split(' '),
    );
    expect(copied.length).toBeGreaterThanOrEqual(10);
    expect(copied.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    const isLet = (path: string): boolean => passes.includes(`!${path}`) || passes.includes(`!${path.split('/')[0]}`);
    expect(copied.filter((path) => !isLet(path))).toEqual([]);
  });

  it('pins what it builds on to one version that the package allows, and is nobody privileged', () => {
    const bases = new Set([...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image));
    expect([...bases]).toEqual([expect.stringMatching(/^node:20\.(19|[2-9]\d)\.\d+-/)]);
    expect(dockerfile.lastIndexOf('\nUSER node')).toBeGreaterThan(dockerfile.lastIndexOf('\nFROM '));
  });

  it('sets only settings, to values that the server takes', () => {
    const { NODE_ENV, ...settings } = settingsOfImage;
    expect(NODE_ENV).toBe('production');
    expect(Object.keys(settings)).toContain('DATA_DIR');
    expect(Object.keys(settings).filter((name) => !isSetting(name))).toEqual([]);
    expect(faultsOf(settings)).toEqual([]);
  });

  it('starts the program itself, without a shell that would keep the signal', () => {
    const [program, ...args] = words('^CMD');
    expect(program).toBe('node');
    expect(args.slice(-2)).toEqual(['bin/allspark.js', 'start']);
    expect(dockerfile).toMatch(/^STOPSIGNAL SIGTERM$/m);
  });

  it('tells by its health check whether the server takes connections', async () => {
    const [program, ...args] = words('HEALTHCHECK.* CMD');
    expect(program).toBe('node');
    const dataDir = mkdtempSync(join(tmpdir(), 'allspark-image-'));
    const server = await startServer({ dataDir });
    const check = () =>
      spawnSync(process.execPath, args, { cwd: ROOT, env: { PORT: new URL(server.url).port }, encoding: 'utf8' });
    expect(check()).toMatchObject({ status: 0 });
    await server.kill();
    const { status, stderr } = check();
    expect(status).toBe(1);
    expect(stderr).toContain('ECONNREFUSED');
    rmSync(dataDir, { recursive: true, force: true });
  });
});

describe('docker-compose.yml', () => {
  const { services } = compose;
  const nodes = Object.entries(services).filter(([name]) => name.startsWith('allspark-'));

  it('runs three server nodes with settings that the server takes, each with a name of its own', () => {
    expect(nodes).toHaveLength(3);
    for (const [name, { environment = {} }] of nodes) {
      expect(Object.keys(environment).filter((each) => !isSetting(each))).toEqual([]);
      const values = Object.entries(environment).map(([each, value]) => [
        each,
        value.replace(/^\$\{.*:-(.*)\}$/, '$1'),
      ]);
      const filled = { ...Object.fromEntries(values), AUTH_SECRET: LONG, LINK_SECRET: LONG } as Record<string, string>;
      expect(faultsOf(filled)).toEqual([]);
      expect(environment['HOST_ADDRESS']).toBe(name);
    }
    expect(new Set(nodes.map(([, { environment }]) => environment?.['PUBLIC_URL'])).size).toBe(3);
  });

  it('names the server nodes as the sample of nginx does', () => {
    const sample = read('config/nginx/nginx.conf');
    for (const [name, { environment }] of nodes) {
      expect(sample).toContain(`server ${name}:${settingsOfImage['PORT']};`);
      expect(sample).toContain(new URL(environment?.['PUBLIC_URL'] ?? '').hostname);
    }
    const mounted = services['nginx']?.volumes?.map((volume) => volume.split(':')) ?? [];
    expect(mounted.map(([, inside = '']) => inside)).toEqual(['/etc/nginx/nginx.conf', '/etc/nginx/tls']);
    expect(existsSync(join(ROOT, mounted[0]?.[0] ?? ''))).toBe(true);
  });

  it('gives everybody the time to drain, waits for who is needed, and pins the images', () => {
    for (const [, { stop_grace_period: grace = '', depends_on: needs }] of nodes) {
      expect(Number.parseInt(grace, 10)).toBeGreaterThan(drainSeconds);
      expect(needs).toEqual({ mongo: { condition: 'service_healthy' } });
    }
    for (const { image } of Object.values(services)) expect(image).toMatch(/:\d+\.\d+\.\d+/);
  });
});

const kind = (wanted: string): Manifest[] => manifests.filter((manifest) => manifest.kind === wanted);

describe('config/kubernetes/', () => {
  const set = kind('StatefulSet')[0]?.spec;
  const pod = set?.template?.spec;
  const container = pod?.containers[0] as Container;

  it('has the parts that it names', () => {
    expect(kind('Service').map(({ metadata }) => metadata.name)).toEqual(['allspark-pods', 'allspark']);
    const headless = kind('Service').find(({ metadata }) => metadata.name === set?.serviceName);
    expect(headless?.spec?.clusterIP).toBe('None');
    expect(kind('PodDisruptionBudget')).toHaveLength(1);
  });

  it('sets only settings, to values that the server takes', () => {
    const own = container.env.filter(({ name }) => name !== 'POD_NAME');
    const env = {
      ...kind('ConfigMap')[0]?.data,
      ...Object.fromEntries(own.map(({ name, value = '' }) => [name, value.replace('$(POD_NAME)', 'allspark-0')])),
      ...Object.fromEntries(['AUTH_SECRET', 'LINK_SECRET'].map((name) => [name, LONG])),
      MONGODB_URI: 'mongodb://mongo/allspark',
    };
    expect(Object.keys(env).filter((name) => !isSetting(name))).toEqual([]);
    expect(faultsOf(env)).toEqual([]);
    expect(container.ports).toContainEqual({ name: 'http', containerPort: Number(settingsOfImage['PORT']) });
    expect(container.volumeMounts.map(({ mountPath }) => mountPath)).toEqual([settingsOfImage['DATA_DIR']]);
  });

  it('asks for readiness and life where the server answers, and leaves it the time to drain', () => {
    expect(container.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'http' });
    for (const probe of [container.livenessProbe, container.startupProbe]) {
      expect(probe.httpGet).toEqual({ path: '/livez', port: 'http' });
    }
    expect(pod?.terminationGracePeriodSeconds).toBeGreaterThan(drainSeconds);
    expect(container.image).toMatch(/:\d+\.\d+\.\d+$/);
  });
});
