import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const SECRET = 'a secret of the power losses, at least 32 bytes';

/** The folder of the package, wherever this file was compiled to. */
export const ROOT = rootAbove(dirname(fileURLToPath(import.meta.url)));
const PLANTED = join(ROOT, 'test', 'faults', 'power-loss', 'planted');
const PLANT = join(PLANTED, 'register.mjs');
const PAIR = [process.execPath, join(PLANTED, 'pair.mjs')];

function rootAbove(folder: string): string {
  const manifest = join(folder, 'package.json');
  if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === 'allspark') return folder;
  if (dirname(folder) === folder) throw new Error('no package.json of this package above this file');
  return rootAbove(dirname(folder));
}

/** What is planted in a server of a test, out of reach of its settings. */
export interface Planted {
  /** Options of the lmdb environment. */
  readonly lmdb?: Readonly<Record<string, unknown>>;
  /** Settings of the embedded store. */
  readonly store?: Readonly<Record<string, unknown>>;
}

export interface Launch {
  readonly dataDir: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly planted?: Planted;
  /** Two servers on one store. */
  readonly isPair?: boolean;
  /** Arguments of strace; without them the server runs without it. */
  readonly strace?: readonly string[];
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** By the monotonic clock, ms. */
  readonly at: number;
}

const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** A server in a process of its own, under strace when that is asked for. */
export class Server {
  readonly ended: Promise<Ended>;
  /** Of each, in the order in which they were ready. */
  urls: readonly string[] = [];
  output = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly count: 1 | 2,
  ) {
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal, at: performance.now() }));
    });
  }

  /** Resolves when it is ready; rejects with what it said when it ends before. */
  static async start(launch: Launch): Promise<Server> {
    const server = Server.launch(launch);
    await Promise.race([server.ready(), server.ended]);
    if (server.urls.length === 0) throw new Error(`the server ended before it was ready:\n${server.output}`);
    return server;
  }

  /** Does not wait for anything. */
  static launch({ dataDir, env = {}, planted, strace, isPair = false }: Launch): Server {
    const imports = planted ? ['--import', pathToFileURL(PLANT).href] : [];
    const program = [process.execPath, ...imports, join(ROOT, 'bin', 'allspark.js'), 'start'];
    const prefix = [...(strace ? ['strace', ...strace] : []), ...(isPair ? PAIR : [])];
    const command = [...prefix, ...program, '--port', '0', '--data-dir', dataDir];
    const settings = { AUTH_SECRET: SECRET, DRAIN_READINESS_MS: '0', DRAIN_SPREAD_MS: '0', LOG_LEVEL: 'warn', ...env };
    const plan = planted ? { PLANTED: JSON.stringify(planted) } : {};
    const child = spawn(command[0]!, command.slice(1), {
      env: { PATH: process.env['PATH'], ...settings, ...plan },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    child.once('close', () => running.delete(child));
    return new Server(child, isPair ? 2 : 1);
  }

  get url(): string {
    return this.urls[0] ?? '';
  }

  /** Resolves with the ready line, of both where there are two. */
  ready(): Promise<void> {
    return new Promise((resolve) => {
      const take = (text: string): void => {
        this.output += text;
        const urls = Array.from(this.output.matchAll(/^ready (\S+)$/gm), ([, url = '']) => url);
        if (urls.length < this.count || this.urls.length > 0) return;
        this.urls = urls.map((url) => url.replace('localhost', '127.0.0.1'));
        resolve();
      };
      for (const stream of [this.child.stdout, this.child.stderr]) stream?.setEncoding('utf8').on('data', take);
    });
  }

  /** Sends the signal to the server itself, not to the strace around it; two are always killed. */
  async end(signal: NodeJS.Signals): Promise<Ended> {
    const pid = this.serverPid();
    if (pid !== undefined) process.kill(pid, this.count === 2 ? 'SIGTERM' : signal);
    return this.ended;
  }

  private serverPid(): number | undefined {
    const { pid, exitCode, signalCode, spawnfile } = this.child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return undefined;
    if (spawnfile !== 'strace') return pid;
    const inside = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0];
    return inside === undefined || inside === '' ? undefined : Number(inside);
  }
}

/** A key by which a node may call and connect. */
export function keyOf(nodeId: string): string {
  const iat = Math.floor(Date.now() / 1_000);
  const claims = { sub: nodeId, aud: 'allspark', iat, exp: iat + 3_600 };
  const text = `${base64url({ alg: 'HS256', typ: 'JWT' })}.${base64url(claims)}`;
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
