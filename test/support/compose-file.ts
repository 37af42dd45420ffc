import { existsSync } from 'node:fs';
import { BlockList } from 'node:net';
import { join } from 'node:path';
import { parseYaml } from '@redocly/openapi-core';
import { z } from 'zod';

/*
 * What the Compose Specification says of the keys that our file uses. Every other key is refused, also one that the
 * specification has: a reader of compositions would take a misspelt one as one that it does not know.
 */
const name = z.string().regex(/^[a-zA-Z0-9._-]+$/);
const duration = z.string().regex(/^(\d+(us|ms|s|m|h))+$/);
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const address = z.ipv4();
const range = z.cidrv4();

const healthcheck = z.strictObject({
  test: z.tuple([z.enum(['CMD', 'CMD-SHELL'])], z.string()).refine(([, ...words]) => words.length > 0),
  interval: duration.optional(),
  timeout: duration.optional(),
  start_period: duration.optional(),
  retries: z.int().positive().optional(),
});

const service = z
  .strictObject({
    build: z.string().optional(),
    image: z
      .string()
      .regex(/^[a-z0-9./_-]+(:[\w.-]+)?$/)
      .optional(),
    restart: z.enum(['no', 'always', 'on-failure', 'unless-stopped']).optional(),
    stop_grace_period: duration.optional(),
    command: z.union([z.string(), z.array(z.string())]).optional(),
    environment: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), scalar).optional(),
    ports: z.array(z.string().regex(/^(\d+:)?\d+(\/(tcp|udp))?$/)).optional(),
    volumes: z.array(z.string().regex(/^[^:]+:\/[^:]*(:(ro|rw))?$/)).optional(),
    depends_on: z
      .record(
        name,
        z.strictObject({ condition: z.enum(['service_started', 'service_healthy', 'service_completed_successfully']) }),
      )
      .optional(),
    healthcheck: healthcheck.optional(),
    networks: z.union([z.array(name), z.record(name, z.strictObject({ ipv4_address: address.optional() }))]).optional(),
  })
  .refine(({ build, image }) => build !== undefined || image !== undefined, 'neither build nor image');

const network = z
  .strictObject({
    ipam: z.strictObject({ config: z.array(z.strictObject({ subnet: range, ip_range: range.optional() })) }),
  })
  .nullable();

const file = z.strictObject({
  services: z.record(name, service),
  networks: z.record(name, network).default({}),
  volumes: z.record(name, z.null()).default({}),
});

export type ComposeFile = z.infer<typeof file>;
type Service = ComposeFile['services'][string];

export interface ReadCompose {
  /** Undefined when its form is at fault. */
  readonly file?: ComposeFile;
  readonly faults: readonly string[];
}

/** What stands in the folder of a composition. */
export interface ComposeFolder {
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
  /** Mounted files and folders that whoever runs it puts there. */
  readonly brought: readonly string[];
}

/** Reads a composition as `docker compose config` would: values put in, every key known, every reference leading somewhere. */
export function readCompose(text: string, folder: ComposeFolder): ReadCompose {
  const faults: string[] = [];
  const tree = parseYaml(text) as Record<string, unknown>;
  const own = Object.entries(tree).filter(([key]) => !key.startsWith('x-'));
  const filled = filledIn(Object.fromEntries(own), (value) => interpolated(value, folder.env, faults));
  const parsed = file.safeParse(filled);
  if (!parsed.success) return { faults: [...faults, ...parsed.error.issues.map(toldOf)] };
  return { file: parsed.data, faults: [...faults, ...faultsBetween(parsed.data, folder)] };
}

function toldOf({ path, message }: z.core.$ZodIssue): string {
  return `${path.join('.')}: ${message}`;
}

function filledIn(value: unknown, fill: (text: string) => string): unknown {
  if (typeof value === 'string') return fill(value);
  if (Array.isArray(value)) return value.map((each) => filledIn(each, fill));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, filledIn(each, fill)]));
}

/** Everything that may follow a `$`, and, as the last, that which may not. */
const VARIABLE = /\$(?:(\$)|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-?+])([^{}$]*))?\}|)/g;

function interpolated(text: string, env: ComposeFolder['env'], faults: string[]): string {
  return text.replace(VARIABLE, (_all, dollar?: string, plain?: string, braced?: string, sign?: string, word = '') => {
    if (dollar) return '$';
    const variable = plain ?? braced;
    if (variable === undefined) faults.push(`no variable behind $ in ${text}`);
    const value = env[variable ?? ''];
    const isGiven = value !== undefined && !(sign?.startsWith(':') && value === '');
    if (sign?.endsWith('+')) return isGiven ? word : '';
    if (isGiven) return value;
    if (sign?.endsWith('-')) return word;
    faults.push(`${variable} is not set: ${word}`);
    return '';
  });
}

function faultsBetween(composition: ComposeFile, folder: ComposeFolder): string[] {
  const { services, networks, volumes } = composition;
  const all = Object.entries(services);
  const published = all.flatMap(([, { ports = [] }]) => ports.map((port) => port.split(':')[0]));
  return [
    ...all.flatMap(([from, each]) => [
      ...needsOf(from, each, services, folder),
      ...placesOf(from, each, networks),
      ...mountsOf(from, each, volumes, folder),
    ]),
    ...circlesIn(services),
    ...(new Set(published).size < published.length ? ['a port is published twice'] : []),
    ...addressesTwice(services),
    ...unused(
      networks,
      all.map(([, { networks: on }]) => namesOf(on)),
    ),
    ...unused(
      volumes,
      all.map(([, { volumes: on = [] }]) => sourcesOf(on)),
    ),
  ];
}

function unused(declared: object, used: ReadonlyArray<readonly string[]>): string[] {
  const names = used.flat();
  return Object.keys(declared)
    .filter((each) => !names.includes(each))
    .map((each) => `nobody uses ${each}`);
}

const namesOf = (networks: Service['networks'] = []): readonly string[] =>
  Array.isArray(networks) ? networks : Object.keys(networks);
const sourcesOf = (volumes: readonly string[]): string[] => volumes.map((volume) => volume.split(':')[0] ?? '');

function needsOf(
  from: string,
  { depends_on: needs = {}, build }: Service,
  all: ComposeFile['services'],
  { path }: ComposeFolder,
) {
  const faults = build === undefined || existsSync(join(path, build, 'Dockerfile')) ? [] : [`${from}: no Dockerfile`];
  for (const [to, { condition }] of Object.entries(needs)) {
    const needed = all[to];
    if (needed === undefined) faults.push(`${from} needs ${to}, which is not there`);
    // What is built here has the health check of its Dockerfile.
    else if (condition === 'service_healthy' && needed.healthcheck === undefined && needed.build === undefined)
      faults.push(`${from} waits for the health of ${to}, which tells nothing of it`);
  }
  return faults;
}

function circlesIn(services: ComposeFile['services']): string[] {
  const leadsTo = (from: string, wanted: string, seen = new Set<string>()): boolean =>
    Object.keys(services[from]?.depends_on ?? {}).some((next) => {
      if (next === wanted) return true;
      if (seen.has(next)) return false;
      return leadsTo(next, wanted, seen.add(next));
    });
  return Object.keys(services)
    .filter((each) => leadsTo(each, each))
    .map((each) => `${each} waits for itself`);
}

function placesOf(from: string, { networks: on }: Service, networks: ComposeFile['networks']): string[] {
  return namesOf(on).flatMap((each) => {
    if (!(each in networks)) return [`${from} is on ${each}, which is not there`];
    const fixed = fixedAddress(on, each);
    if (fixed === undefined) return [];
    const config = networks[each]?.ipam.config ?? [];
    const isWithin = config.some(({ subnet }) => contains(subnet, fixed));
    const isFree = !config.some(({ subnet, ip_range: given = subnet }) => contains(given, fixed));
    return isWithin && isFree ? [] : [`${from}: ${fixed} is not on ${each}, or given to anybody there`];
  });
}

function fixedAddress(on: Service['networks'], at: string): string | undefined {
  return on === undefined || Array.isArray(on) ? undefined : on[at]?.ipv4_address;
}

function contains(wide: string, one: string): boolean {
  const [base = '', bits] = wide.split('/');
  const list = new BlockList();
  list.addSubnet(base, Number(bits));
  return list.check(one);
}

function addressesTwice(services: ComposeFile['services']): string[] {
  const all = Object.values(services).flatMap(({ networks: on }) =>
    namesOf(on).flatMap((each) => fixedAddress(on, each) ?? []),
  );
  return new Set(all).size < all.length ? ['an address is given twice'] : [];
}

function mountsOf(from: string, { volumes: on = [] }: Service, volumes: ComposeFile['volumes'], folder: ComposeFolder) {
  const isThere = (source: string): boolean =>
    source.startsWith('.')
      ? folder.brought.includes(source) || existsSync(join(folder.path, source))
      : source in volumes;
  return sourcesOf(on)
    .filter((source) => !isThere(source))
    .map((source) => `${from} mounts ${source}, which is not there`);
}
