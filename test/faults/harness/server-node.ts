import { authKey, type Claims } from '../clients/auth-key.js';
import { Child, type Exit, openFiles, residentBytes } from './child.js';
import { PROGRAM } from './places.js';
import type { TcpProxy } from './tcp-proxy.js';
import { within } from './wait.js';

export const SECRET = 'a secret of the harness, at least 32 bytes long';

export interface Metrics {
  /** Sum of all series of a name, those that carry these labels where they are given. */
  sum(name: string, labels?: string): number;
}

/** A server node in a process of its own, which comes back at the same address with the same store. */
export class ServerNode {
  /** Clients reach it through this. */
  proxy: TcpProxy | undefined;
  private child: Child | undefined;
  private port = 0;
  private host = '127.0.0.1';

  constructor(
    private readonly log: string,
    private readonly settings: Readonly<Record<string, string>>,
  ) {}

  /** Resolves when it is ready, rejects with what it said when it ends before. */
  async start(): Promise<void> {
    const env = { AUTH_SECRET: SECRET, LOG_LEVEL: 'info', ...this.settings };
    const args = ['--enable-source-maps', PROGRAM, 'start', '--port', String(this.port)];
    this.child = new Child(process.execPath, args, this.log, env);
    const [, port] = await this.child.line(/^ready https?:\/\/[^:]+:(\d+)/m);
    // Behind a PUBLIC_URL the ready line carries that; then the port was chosen before.
    if (this.port === 0) this.port = Number(port);
  }

  /** To be told before the first start, where the port must be known beforehand. */
  listenOn(port: number, host: string = this.host): this {
    this.port = port;
    this.host = host;
    return this;
  }

  get directPort(): number {
    return this.port;
  }

  /** Where clients go: the proxy where there is one. */
  get url(): string {
    return this.proxy ? `http://127.0.0.1:${this.proxy.port}` : this.directUrl;
  }

  get directUrl(): string {
    return `http://${this.host}:${this.port}`;
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Defined once the process has ended. */
  get exit(): Exit | undefined {
    return this.child?.exit;
  }

  get residentBytes(): number {
    return residentBytes(this.pid);
  }

  /** Connections that the server node knows of; -1 when it does not say. */
  async connections(): Promise<number> {
    return (await this.metrics()).sum('allspark_connections');
  }

  get openFiles(): number {
    return openFiles(this.pid);
  }

  said(): string {
    return this.child?.said() ?? '';
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit> {
    return this.child?.kill(signal) ?? Promise.resolve({ code: null, signal: null });
  }

  key(nodeId: string, claims?: Claims): string {
    return authKey(SECRET, nodeId, claims);
  }

  /** A call past the proxy with a key of the node. */
  call(nodeId: string, path: string, body?: unknown, claims?: Claims): Promise<Response> {
    const headers = { authorization: `Bearer ${this.key(nodeId, claims)}`, 'content-type': 'application/json' };
    const init = body === undefined ? { headers } : { headers, method: 'POST', body: JSON.stringify(body) };
    return fetch(this.directUrl + path, { ...init, signal: AbortSignal.timeout(30_000) });
  }

  async json<T>(nodeId: string, path: string, body?: unknown, claims?: Claims): Promise<T> {
    return (await (await this.call(nodeId, path, body, claims)).json()) as T;
  }

  async metrics(): Promise<Metrics> {
    const text = await (await this.call('harness', '/metrics', undefined, { role: 'app' })).text();
    const lines = text.split('\n').filter((line) => !line.startsWith('#'));
    return {
      sum: (name, labels = '') =>
        lines
          .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
          .filter((line) => line.includes(labels))
          .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0),
    };
  }

  ready(ms: number): Promise<boolean> {
    const look = (): Promise<boolean> =>
      fetch(`${this.directUrl}/readyz`, { signal: AbortSignal.timeout(5_000) }).then(
        ({ status }) => status === 200,
        () => false,
      );
    return within(ms, look);
  }
}
