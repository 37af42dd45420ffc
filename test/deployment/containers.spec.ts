import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseYaml } from '@redocly/openapi-core';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';
import { findVariable } from '../../src/config/settings.js';
import { readCompose } from '../support/compose-file.js';
import { freePorts } from '../support/free-ports.js';
import { startServer } from '../support/server-process.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LONG = 'a secret of at least thirty-two bytes';
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

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
  readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
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
const secrets = { AUTH_SECRET: LONG, LINK_SECRET: LONG };
const compose = readCompose(read('docker-compose.yml'), { path: ROOT, env: secrets, brought: ['./tls'] });
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

/*
 * What is written, without an engine: no image is built here, no container and no pod started. Its commands are run by
 * image.spec.ts (with IMAGE_STEPS=1) and compose-commands.spec.ts; what a reader of compositions says is in compose-file.spec.ts.
 */
describe('the Dockerfile', () => {
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
    // A port that nobody is given by chance when the server is gone.
    const [port] = await freePorts(1);
    const server = await startServer({ dataDir, args: [`--port=${port}`] });
    const check = () => spawnSync(process.execPath, args, { cwd: ROOT, env: { PORT: String(port) }, encoding: 'utf8' });
    expect(check()).toMatchObject({ status: 0 });
    await server.kill();
    const { status, stderr } = check();
    expect(status).toBe(1);
    expect(stderr).toContain('ECONNREFUSED');
    rmSync(dataDir, { recursive: true, force: true });
  });
});

describe('docker-compose.yml', () => {
  const services = compose.file?.services ?? {};
  const nodes = Object.entries(services).filter(([name]) => name.startsWith('allspark-'));

  it('runs three server nodes with settings that the server takes, each with a name of its own', () => {
    expect(nodes).toHaveLength(3);
    for (const [name, { environment = {} }] of nodes) {
      expect(Object.keys(environment).filter((each) => !isSetting(each))).toEqual([]);
      expect(faultsOf(environment as Record<string, string>)).toEqual([]);
      expect(environment['HOST_ADDRESS']).toBe(name);
    }
    expect(new Set(nodes.map(([, { environment }]) => environment?.['PUBLIC_URL'])).size).toBe(3);
  });

  it('names the server nodes as the sample of nginx does', () => {
    const sample = read('config/nginx/nginx.conf');
    for (const [name, { environment }] of nodes) {
      expect(sample).toContain(`server ${name}:${settingsOfImage['PORT']};`);
      expect(sample).toContain(new URL(String(environment?.['PUBLIC_URL'])).hostname);
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

  it('sets only settings, to values that the server takes, once it is told where the proxy is', () => {
    const own = container.env.filter(({ name }) => name !== 'POD_NAME');
    const env = {
      ...kind('ConfigMap')[0]?.data,
      ...Object.fromEntries(own.map(({ name, value = '' }) => [name, value.replace('$(POD_NAME)', 'allspark-0')])),
      ...secrets,
      MONGODB_URI: 'mongodb://mongo/allspark',
    };
    expect(Object.keys(env).filter((name) => !isSetting(name))).toEqual([]);
    expect(faultsOf(env)).toEqual([expect.objectContaining({ variable: 'TRUSTED_PROXIES' })]);
    expect(faultsOf({ ...env, TRUSTED_PROXIES: '192.0.2.1' })).toEqual([]);
    expect(container.ports).toContainEqual({ name: 'http', containerPort: Number(settingsOfImage['PORT']) });
    expect(container.volumeMounts.map(({ mountPath }) => mountPath)).toEqual([settingsOfImage['DATA_DIR']]);
  });

  it('asks for readiness and life where the server answers, and pins the image', () => {
    expect(container.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'http' });
    for (const probe of [container.livenessProbe, container.startupProbe]) {
      expect(probe.httpGet).toEqual({ path: '/livez', port: 'http' });
    }
    expect(container.image).toMatch(/:\d+\.\d+\.\d+$/);
  });

  it('lets Services forget a pod before it is told to go, and leaves it the time for both', () => {
    const [program, seconds] = container.lifecycle.preStop.exec.command;
    expect(program).toBe('sleep');
    expect(Number(seconds)).toBeGreaterThanOrEqual(3);
    expect(pod?.terminationGracePeriodSeconds).toBeGreaterThan(Number(seconds) + drainSeconds);
  });
});
