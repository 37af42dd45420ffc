import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { AllsparkClient, type ClientOptions } from '@allspark/client';
import { signAuthKey } from '../../src/modules/auth/index.js';
import { freePorts } from './free-ports.js';
import { type Exit, type ServerProcess, startServer } from './server-process.js';
import type { Endpoint } from './talker.js';
import { type KeyRequest, PATIENT, SECRET } from './test-server.js';

/** A server node as a process of its own, which can be killed and comes back at the same address with the same store. */
export class ProcessNode implements Endpoint {
  private readonly clients: AllsparkClient[] = [];
  private comesBack: Promise<void> = Promise.resolve();

  private constructor(
    private process: ServerProcess,
    readonly dataDir: string,
    private readonly ownsData: boolean,
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  /** `settings`: configuration variables; with `DATA_DIR` it shares that store. */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<ProcessNode> {
    const { DATA_DIR: shared, ...others } = settings;
    const dataDir = shared ?? (await mkdtemp(join(tmpdir(), 'allspark-process-')));
    const env = { AUTH_SECRET: SECRET, DRAIN_READINESS_MS: '0', ...PATIENT, ...others };
    const [port] = await freePorts(1);
    const args = ['--port', String(port)];
    return new ProcessNode(await startServer({ env, args, dataDir }), dataDir, shared === undefined, env);
  }

  get url(): string {
    return this.process.url;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  get pid(): number {
    return this.process.pid;
  }

  get stdout(): readonly string[] {
    return this.process.stdout;
  }

  get stderr(): readonly string[] {
    return this.process.stderr;
  }

  /** Resolves when the present process has ended. */
  get exited(): Promise<Exit> {
    return this.process.exited;
  }

  /** Resolves as soon as a process is there that takes connections. */
  up(): Promise<void> {
    return this.comesBack;
  }

  key(nodeId: string, { clientId, role, ttlSeconds }: KeyRequest = {}): Promise<string> {
    return signAuthKey({ sub: nodeId, clientId, role, ttlSeconds, alg: 'HS256', secret: SECRET });
  }

  /** A call with a JSON body, if any, and what it answers, whatever the status. */
  async json(nodeId: string, path: string, body?: unknown, request: KeyRequest = {}): Promise<unknown> {
    const headers = { authorization: `Bearer ${await this.key(nodeId, request)}`, 'content-type': 'application/json' };
    const init = body === undefined ? { headers } : { headers, method: 'POST', body: JSON.stringify(body) };
    return (await fetch(this.url + path, init)).json();
  }

  /** A client of the library that comes back quickly; connect it. `remove` closes it. */
  client(nodeId: string, options: Partial<ClientOptions> = {}): AllsparkClient {
    const backoff = { baseMs: 20, maxMs: 200 };
    const authKey = (): Promise<string> => this.key(nodeId);
    const client = new AllsparkClient({ url: this.url, authKey, WebSocket, backoff, onError: () => {}, ...options });
    this.clients.push(client);
    return client;
  }

  /** Ends the process. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit> {
    return this.process.kill(signal);
  }

  /** Starts another at the same address on the same store. */
  async restart(): Promise<void> {
    const starting = startServer({ env: this.env, args: ['--port', String(this.port)], dataDir: this.dataDir });
    this.comesBack = starting.then(() => {});
    this.process = await starting;
  }

  async killAndRestart(): Promise<void> {
    let back!: () => void;
    this.comesBack = new Promise((resolve) => (back = resolve));
    await this.kill();
    await this.restart();
    back();
  }

  async remove(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
    await this.kill();
    if (this.ownsData) await rm(this.dataDir, { recursive: true, force: true });
  }
}
