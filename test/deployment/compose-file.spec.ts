import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readCompose } from '../support/compose-file.js';
import { rendered } from '../support/nginx.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SAMPLE = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
const SECRETS = { AUTH_SECRET: 'one', LINK_SECRET: 'two' };
const folder = { path: ROOT, env: SECRETS, brought: ['./tls'] };

/** No engine is here: what one would say of the file before it starts anything, by a reader of our own. */
describe('docker-compose.yml, by the Compose Specification', () => {
  it('has known keys in their form, and references that lead somewhere', () => {
    const { file, faults } = readCompose(SAMPLE, folder);
    expect(faults).toEqual([]);
    expect(Object.keys(file?.services ?? {})).toHaveLength(5);
  });

  it('asks for the secrets, and takes what may be left out', () => {
    expect(readCompose(SAMPLE, { ...folder, env: {} }).faults.toSorted()).toEqual(
      ['AUTH_SECRET', 'LINK_SECRET'].flatMap((each) => Array(3).fill(`${each} is not set: at least 32 bytes`)),
    );
    const origins = (env: Record<string, string>) =>
      readCompose(SAMPLE, { ...folder, env: { ...SECRETS, ...env } }).file?.services['allspark-1']?.environment?.[
        'ALLOWED_ORIGINS'
      ];
    expect(origins({})).toBe('none');
    expect(origins({ ALLOWED_ORIGINS: 'https://a.example' })).toBe('https://a.example');
  });

  it('gives nginx an address that nobody else gets, which is all that the server nodes trust', () => {
    const services = readCompose(SAMPLE, folder).file?.services ?? {};
    const trusted = Object.values(services).flatMap(({ environment }) => environment?.['TRUSTED_PROXIES'] ?? []);
    expect(services['nginx']?.networks).toEqual({ inside: { ipv4_address: trusted[0] } });
    expect(new Set(trusted).size).toBe(1);
  });

  it.each([
    ['an unknown key at the top', 'volumes:\n  mongo:', 'volume:\n  mongo:', /Unrecognized key: "volume"/],
    ['an unknown key of a service', 'stop_grace_period', 'stop_period', /Unrecognized key: "stop_period"/],
    ['an unknown key of a health check', 'start_period', 'begin', /healthcheck: Unrecognized key: "begin"/],
    ['an unknown condition', 'condition: service_healthy', 'condition: healthy', /depends_on.mongo.condition: /],
    ['a duration without a unit', 'interval: 5s', "interval: '5'", /healthcheck.interval: /],
    ['a health check of an unknown kind', '- CMD\n', '- RUN\n', /healthcheck.test.0: /],
    ['an unknown way to start again', 'restart: unless-stopped', 'restart: ever', /restart: /],
    ['a service that is not there', '    mongo:\n      condition', '    store:\n      condition', /needs store/],
    ['a health that nobody tells', '      allspark-1:\n        cond', '      nobody:\n        cond', /needs nobody/],
    ['a network that is not there', 'networks: [inside]', 'networks: [outside]', /is on outside/],
    ['a volume that is not there', "'mongo:/data/db'", "'data:/data/db'", /mounts data/],
    ['a file that is not there', './config/nginx/nginx.conf', './config/nginx.conf', /mounts .\/config\/nginx.conf/],
    ['a folder without a Dockerfile', 'build: .', 'build: docs', /no Dockerfile/],
    ['an address of another network', 'ipv4_address: 172.28.0.10', 'ipv4_address: 172.29.0.10', /is not on inside/],
    ['an address that is given out', 'ipv4_address: 172.28.0.10', 'ipv4_address: 172.28.0.130', /given to anybody/],
    ['a port twice', "'443:443'", "'80:443'", /published twice/],
    [
      'a circle',
      'restart: unless-stopped\n    command',
      'depends_on:\n      nginx:\n        condition: service_started\n    command',
      /mongo waits for itself/,
    ],
    ['half a variable', '${ALLOWED_ORIGINS:-none}', '${ALLOWED_ORIGINS:none}', /no variable behind \$/],
    ['a variable without a name', '${ALLOWED_ORIGINS:-none}', '${-none}', /no variable behind \$/],
  ])('would fail with %s', (_, part, otherwise, fault) => {
    const { faults } = readCompose(rendered(SAMPLE, [[part, otherwise]]), folder);
    expect(faults.join('\n')).toMatch(fault);
  });
});
