import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { get as getPlain } from 'node:http';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ArgumentsHost,
  Catch,
  Controller,
  type DynamicModule,
  type ExceptionFilter,
  Get,
  type INestApplication,
  Module,
  Param,
  VersioningType,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ALLSPARK_ROUTES,
  AllsparkModule,
  type AppSurroundings,
  type Config,
  createLogger,
  formatFaults,
  httpAdapterOf,
  letIn,
  loadConfig,
  Metrics,
  signAuthKey,
  type StorageFamily,
  surroundingsOf,
  useNativeWebsockets,
} from '../../src/index.js';
import { makeCertificate, MountedPair } from '../support/certificates.js';
import { findMongo, startMongo } from '../support/mongo.js';
import { SECRET } from '../support/test-server.js';

interface HttpAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** What an application has that makes its own settings: here, where the data is. */
@Module({ providers: [{ provide: 'folder', useFactory: () => folder }], exports: ['folder'] })
class FolderModule {}

@Controller('greetings')
class GreetingsController {
  @Get(':name')
  greet(@Param('name') name: string): object {
    return { hello: name };
  }
}

@Catch()
class OwnErrors implements ExceptionFilter {
  catch(_: unknown, host: ArgumentsHost): void {
    host.switchToHttp().getResponse<{ status(code: number): { json(body: object): void } }>().status(418).json({});
  }
}

let folder: string;
let app: INestApplication | undefined;
const warnings: string[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'allspark-test-'));
  warnings.length = 0;
});
afterEach(async () => {
  await app?.close();
  app = undefined;
  await rm(folder, { recursive: true, force: true });
});

function configOf(settings: Readonly<Record<string, string>> = {}): Config {
  const env = { AUTH_SECRET: SECRET, LINK_SECRET: SECRET, DATA_DIR: folder, DRAIN_READINESS_MS: '0', ...settings };
  const loaded = loadConfig({ env, readFile: (path) => readFileSync(path, 'utf8') });
  if (!loaded.ok) throw new Error(formatFaults(loaded.faults));
  return loaded.config;
}

const quiet = createLogger({ level: 'silent' });
const logger = {
  log: () => {},
  error: () => {},
  warn: (text: string) => void warnings.push(text),
};

function fromFactory(settings: Readonly<Record<string, string>> = {}, storage?: StorageFamily): DynamicModule {
  const useFactory = (dataDir: string): Promise<AppSurroundings> =>
    surroundingsOf(configOf({ ...settings, DATA_DIR: dataDir }), quiet);
  return AllsparkModule.forRootAsync({ imports: [FolderModule], inject: ['folder'], useFactory, storage });
}

async function start(allspark: DynamicModule, config?: Config): Promise<string> {
  const root = { module: class Root {}, imports: [allspark], controllers: [GreetingsController] };
  const options = { rawBody: true, logger, abortOnError: false };
  app = config
    ? await NestFactory.create(root, await httpAdapterOf(config), options)
    : await NestFactory.create(root, options);
  app.setGlobalPrefix('api', { exclude: ALLSPARK_ROUTES });
  app.enableVersioning({ type: VersioningType.URI, defaultVersion: '7' });
  app.useGlobalPipes({ transform: (value: unknown) => (typeof value === 'string' ? value.trim() : value) });
  app.useGlobalFilters(new OwnErrors());
  useNativeWebsockets(app);
  await app.listen(0, '127.0.0.1');
  return (await letIn(app)).url;
}

async function call(url: string, init?: RequestInit): Promise<HttpAnswer> {
  const answer = await fetch(url, init);
  return { status: answer.status, body: await answer.json() };
}

const headersOf = async (sub: string): Promise<Record<string, string>> => ({
  authorization: `Bearer ${await signAuthKey({ sub, alg: 'HS256', secret: SECRET })}`,
});

async function sendByRest(url: string): Promise<HttpAnswer> {
  const messages = [{ dest_id: 'alice', id: 'one', payload: 'hello' }];
  const headers = { ...(await headersOf('alice')), 'content-type': 'application/json' };
  return call(`${url}/v1/messages`, { method: 'POST', headers, body: JSON.stringify({ messages }) });
}

function statusOf(url: string, ca?: string, headers = {}): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = ca === undefined ? getPlain(url, { agent: false }) : get(url, { ca, headers, agent: false });
    asked.on('response', (answer) => resolve(answer.resume().statusCode)).on('error', reject);
  });
}

describe('inside an application whose settings come from a factory', () => {
  it('messages are stored, and what is of the application and what is ours leave each other alone', async () => {
    const url = await start(fromFactory());
    expect(await sendByRest(url)).toMatchObject({ body: { results: [{ id: 'one', status: 'stored' }] } });
    expect(await call(`${url}/api/v7/greetings/%20bob%20`)).toEqual({ status: 200, body: { hello: 'bob' } });
    expect(await call(`${url}/api/nothing`)).toEqual({ status: 418, body: {} });
    const headers = await headersOf('alice');
    expect(await call(`${url}/v1/inbox?limit=x`, { headers })).toMatchObject({
      status: 400,
      body: { code: 'invalid_field' },
    });
  });

  it.each([
    ['MONGODB_URI is set', { MONGODB_URI: 'mongodb://127.0.0.1:1/x' }, undefined],
    ['MONGODB_URI is not set', {}, 'mongodb' as const],
  ])('nothing starts on another store than the settings name: %s', async (text, settings, storage) => {
    await expect(start(fromFactory(settings, storage))).rejects.toThrow(text);
  });
});

const mongo = await findMongo();

it.skipIf(!mongo)('messages are stored in MongoDB where a factory names it', async () => {
  const started = await startMongo(mongo!.setups[0]!, mongo!);
  const url = await start(fromFactory({ MONGODB_URI: started.freshUri() }, 'mongodb'));
  expect(await sendByRest(url)).toMatchObject({ body: { results: [{ id: 'one', status: 'stored' }] } });
  await app?.close();
  app = undefined;
  await started.stop();
});

describe('the listener of an application', () => {
  const pair = makeCertificate();
  const withTls = async (settings: Readonly<Record<string, string>> = {}): Promise<Config> => {
    const mounted = new MountedPair(folder);
    await mounted.mount(pair);
    return configOf({ ...mounted.settings, ...settings });
  };

  it('has the certificate and the limits of the settings with the adapter that is made of them', async () => {
    const config = await withTls({ MAX_HEADER_BYTES: '4096' });
    const url = await start(AllsparkModule.forRoot(await surroundingsOf(config, quiet)), config);
    expect(url).toMatch(/^https:/);
    expect(await statusOf(`${url}/readyz`, pair.cert)).toBe(200);
    expect(await statusOf(`${url}/readyz`, pair.cert, { 'x-big': 'x'.repeat(5_000) })).toBe(413);
    const page = await app?.get(Metrics, { strict: false }).text();
    expect(page).toMatch(/allspark_limit_hits_total\{limit="header_bytes"\} 1/);
    expect(warnings).toEqual([]);
  });

  it('holds them not with another adapter, and the log says so', async () => {
    const config = await withTls();
    const url = await start(AllsparkModule.forRoot(await surroundingsOf(config, quiet)));
    expect(await statusOf(`${url.replace('https', 'http')}/readyz`)).toBe(200);
    expect(warnings).toEqual([
      expect.stringContaining('MAX_HEADER_BYTES and HEADERS_TIMEOUT_MS do not hold'),
      expect.stringContaining('TLS_CERT_FILE is set, and the listener of this application is plain HTTP'),
    ]);
  });
});
