import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { AllsparkClient, type ClientOptions } from '@allspark/client';
import { createLogger } from '../../src/common/logging.js';
import { formatFaults } from '../../src/config/fault.js';
import { loadConfig } from '../../src/config/load-config.js';
import { type RunningServer, startServer } from '../../src/create-app.js';
import { signAuthKey } from '../../src/modules/auth/index.js';

/** What keys of the tests are signed with. */
export const SECRET = 'a secret of the tests, at least 32 bytes long';

/** A machine that is busy with other things makes no server refuse newcomers, unless a test wants it to. */
export const PATIENT = { LOOP_LAG_MS: '0' } as const;

/** No file of the machine decides what a test sees: only those are read that it names. */
function fileOf(settings: Readonly<Record<string, string>>, path: string): string {
  if (Object.values(settings).includes(path)) return readFileSync(path, 'utf8');
  throw new Error(`the test does not name this file: ${path}`);
}

export interface KeyRequest {
  readonly clientId?: string;
  readonly role?: 'node' | 'app' | 'admin';
  readonly ttlSeconds?: number;
}

/** A whole server in this process, on a port of its own and an embedded store in a temporary folder. */
export class TestServer {
  private readonly clients: AllsparkClient[] = [];

  private constructor(
    readonly running: RunningServer,
    readonly dataDir: string,
    private readonly ownsData: boolean,
    private readonly settings: Readonly<Record<string, string>>,
  ) {}

  /** `settings`: configuration variables. Give `DATA_DIR` to share a store or to come back to one. */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<TestServer> {
    const dataDir = settings['DATA_DIR'] ?? (await mkdtemp(join(tmpdir(), 'allspark-test-')));
    return TestServer.on(dataDir, settings['DATA_DIR'] === undefined, settings);
  }

  private static async on(
    dataDir: string,
    ownsData: boolean,
    settings: Readonly<Record<string, string>>,
  ): Promise<TestServer> {
    const env = { PORT: '0', AUTH_SECRET: SECRET, DRAIN_READINESS_MS: '0', ...PATIENT, ...settings, DATA_DIR: dataDir };
    const loaded = loadConfig({ env, readFile: (path) => fileOf(settings, path) });
    if (!loaded.ok) throw new Error(formatFaults(loaded.faults));
    const logger = createLogger({ level: process.env['TEST_LOG_LEVEL'] ?? 'silent' });
    const running = await startServer(loaded.config, logger);
    return new TestServer(running, dataDir, ownsData, settings);
  }

  /** Closes it and starts another on the same store, which takes care of the folder from then on. */
  async restart(): Promise<TestServer> {
    await this.letGo();
    return TestServer.on(this.dataDir, this.ownsData, this.settings);
  }

  get url(): string {
    return this.running.url;
  }

  /** Base of websocket addresses. */
  get socketUrl(): string {
    return this.url.replace(/^http/, 'ws');
  }

  key(nodeId: string, { clientId, role, ttlSeconds }: KeyRequest = {}): Promise<string> {
    return signAuthKey({ sub: nodeId, clientId, role, ttlSeconds, alg: 'HS256', secret: SECRET });
  }

  /** A client of the library; connect it. `stop` closes it. */
  client(nodeId: string, options: Partial<ClientOptions> & KeyRequest = {}): AllsparkClient {
    const { clientId, role, ttlSeconds, ...rest } = options;
    const authKey = (): Promise<string> => this.key(nodeId, { clientId, role, ttlSeconds });
    const client = new AllsparkClient({ url: this.url, authKey, WebSocket, ...rest });
    this.clients.push(client);
    return client;
  }

  /** A bare websocket that opens with an auth key. */
  async socket(nodeId: string, request: KeyRequest & { readonly query?: string } = {}): Promise<WebSocket> {
    const headers = { authorization: `Bearer ${await this.key(nodeId, request)}` };
    return new WebSocket(`${this.socketUrl}/connect${request.query ?? ''}`, { headers });
  }

  /** A call with a key of the node. */
  async call(nodeId: string, path: string, init: RequestInit & KeyRequest = {}): Promise<Response> {
    const { clientId, role, ttlSeconds, ...rest } = init;
    const authorization = `Bearer ${await this.key(nodeId, { clientId, role, ttlSeconds })}`;
    const headers: Record<string, string> = { authorization, ...headersOf(rest) };
    return fetch(this.url + path, { ...rest, headers });
  }

  /** A call with a JSON body, if any, and what it answers, whatever the status. */
  async json(nodeId: string, path: string, body?: unknown, request: KeyRequest = {}): Promise<unknown> {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    return (await this.call(nodeId, path, { ...init, ...request })).json();
  }

  async stop(): Promise<void> {
    await this.letGo();
    if (this.ownsData) await rm(this.dataDir, { recursive: true, force: true });
  }

  private async letGo(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
    await this.running.close();
  }
}

function headersOf({ body, headers }: RequestInit): Record<string, string> {
  const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
  return { ...type, ...Object.fromEntries(new Headers(headers)) };
}
