import { Inject, Injectable } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { InjectSlice, SettingsModule, sliceToken } from './config.module.js';
import { loadConfig, type Config } from './load-config.js';
import { allowedOrigins, ownBaseUrl, slices, UNLIMITED, type Slice, type SliceName } from './slices.js';
import { settingsSchema, variables } from './settings.js';

function config(env: Record<string, string> = {}): Config {
  const loaded = loadConfig({ env, readFile: () => '' });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
  return loaded.config;
}

const slice = <Name extends SliceName>(name: Name, env: Record<string, string> = {}) =>
  slices[name](config(env).settings) as Slice<Name>;

describe('the schema', () => {
  it('has each variable in exactly one group', () => {
    const names = variables.map(({ name }) => name);
    expect(names.toSorted()).toEqual(Object.keys(settingsSchema.shape).toSorted());
  });

  it('has a unit in the name of every time and size', () => {
    for (const { name, unit } of variables) {
      if (unit === 'milliseconds') expect(name).toMatch(/_MS$/);
      if (unit === 'bytes') expect(name).toMatch(/_BYTES$/);
      if (unit === 'percent') expect(name).toMatch(/_PERCENT$/);
    }
  });
});

describe('a slice', () => {
  it('carries the decided defaults', () => {
    expect(slice('listen')).toMatchObject({ hostAddress: 'localhost', listenAddress: '127.0.0.1', port: 8080 });
    expect(slice('auth')).toMatchObject({ direct: true, validationKeyMs: 60_000, clockLeewayMs: 60_000 });
    expect(slice('inbox')).toMatchObject({ maxMessages: 10_000, maxBytes: 67_108_864, ageMs: 2_592_000_000 });
    expect(slice('routing')).toMatchObject({ presence: 'client', allowUnknownDestinations: false, failStopMs: 30_000 });
    expect(slice('connections')).toMatchObject({ capacity: 20_000, perNode: 10, perAddress: 1_000, force: false });
    expect(slice('socket')).toMatchObject({ maxFrameBytes: 65_536, windowMessages: 256, ratePerSecond: 200 });
    expect(slice('http')).toMatchObject({ bodyBytes: 262_144, messagesBodyBytes: 4_194_304, pageMessages: 200 });
    expect(slice('store')).toMatchObject({ dataDir: './data', commitRows: 256, diskFreeFraction: 0.1 });
    expect(slice('log')).toEqual({ level: 'info' });
    expect(slice('drain')).toEqual({ readinessMs: 2_000, spreadMs: 15_000, totalMs: 25_000 });
    expect(slice('health')).toMatchObject({ heapNoSocketsFraction: 0.7, heapRetryLaterFraction: 0.85, loopLagMs: 200 });
  });

  it('has a number for "no limit" that still can be calculated with', () => {
    expect(slice('socket', { RATE_PER_SECOND: '0' }).ratePerSecond).toBe(UNLIMITED);
    expect(slice('connections', { CONNECTIONS_PER_ADDRESS: '0' }).perAddress).toBe(UNLIMITED);
    expect(slice('connections', { CAPACITY: '0' }).capacity).toBe(0);
    expect(slice('health', { LOOP_LAG_MS: '0', HEAP_RETRY_LATER_PERCENT: '0' }).heapRetryLaterFraction).toBeGreaterThan(
      1,
    );
  });

  it('takes addresses apart', () => {
    expect(slice('listen', { INTERNAL_ADDRESS: '[::1]:7000' }).internal).toEqual({ host: '::1', port: 7000 });
    expect(slice('listen', { METRICS_ADDRESS: '127.0.0.1:0' }).metrics).toEqual({ host: '127.0.0.1', port: 0 });
    expect(slice('listen').metrics).toBeUndefined();
  });
});

describe('the own base URL', () => {
  it.each([
    [{}, 'http://localhost:8081'],
    [{ HOST_ADDRESS: '::1' }, 'http://[::1]:8081'],
    [{ PUBLIC_URL: 'https://chat.example.com/' }, 'https://chat.example.com'],
    [{ PUBLIC_URL: 'https://chat.example.com/live/', HOST_ADDRESS: 'h' }, 'https://chat.example.com/live'],
  ])('with %j is %s', (env: Record<string, string>, url) => {
    expect(ownBaseUrl(slice('listen', env), 8081)).toBe(url);
  });

  it('is the origin that is allowed, beside localhost, unless others are named', () => {
    expect(allowedOrigins(slice('listen'), 8081)).toEqual(['http://localhost:8081']);
    expect(allowedOrigins(slice('listen', { PUBLIC_URL: 'https://c.example/live' }), 8081)).toEqual([
      'https://c.example',
      'http://localhost:8081',
    ]);
    expect(allowedOrigins(slice('listen', { ALLOWED_ORIGINS: 'none' }), 8081)).toEqual([]);
  });
});

@Injectable()
class Reader {
  constructor(
    @InjectSlice('auth') readonly auth: Slice<'auth'>,
    @Inject(ConfigService) readonly service: ConfigService,
  ) {}
}

describe('the settings module', () => {
  it('gives every slice to whoever asks by its token, and reads no environment itself', async () => {
    const secret = 'a-secret-of-at-least-thirty-two-bytes';
    const module = await Test.createTestingModule({
      imports: [SettingsModule.forRoot(config({ AUTH_SECRET: secret, PORT: '9' }))],
      providers: [Reader],
    }).compile();
    const reader = module.get(Reader);
    expect(reader.auth.secret?.reveal()).toBe(secret);
    expect(reader.service.get('listen.port')).toBe(9);
    expect(reader.service.get('PATH')).toBeUndefined();
    for (const name of Object.keys(slices) as SliceName[]) expect(module.get(sliceToken(name))).toBeDefined();
    await module.close();
  });

  it('keeps two configurations in one process apart', async () => {
    const ports = await Promise.all(['1', '2'].map(portSeenWith));
    expect(ports).toEqual([1, 2]);
  });
});

async function portSeenWith(port: string): Promise<number> {
  const imports = [SettingsModule.forRoot(config({ PORT: port }))];
  const module = await Test.createTestingModule({ imports }).compile();
  const listen = module.get<Slice<'listen'>>(sliceToken('listen'));
  await module.close();
  return listen.port;
}
