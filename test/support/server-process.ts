import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = join(ROOT, 'bin', 'allspark.js');

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProgramOptions {
  /** All of the environment besides PATH: nothing of the machine's own settings gets in. */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to standard input, which is then closed; without it standard input is empty. */
  readonly input?: string;
  readonly cwd?: string;
  /** What node is given before the arguments; default: the program that was built here. */
  readonly command?: readonly string[];
}

/** Lines of an output stream, those that came already and those to come. */
class Lines {
  readonly all: string[] = [];
  readonly #waiting = new Set<() => void>();
  #rest = '';
  #ended = false;

  take(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    this.all.push(...lines);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    if (this.#rest !== '') this.all.push(this.#rest);
    this.#wake();
  }

  /** The first line that fits, or `undefined` when the stream has ended without one. */
  async find(pattern: RegExp): Promise<string | undefined> {
    for (;;) {
      const found = this.all.find((line) => pattern.test(line));
      if (found !== undefined || this.#ended) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** The built program with any arguments, as a process of its own. */
export class Program {
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #stdout = new Lines();
  readonly #stderr = new Lines();

  constructor(args: readonly string[], { env = {}, input = '', cwd = ROOT, command = [PROGRAM] }: ProgramOptions = {}) {
    const child = spawn(process.execPath, [...command, ...args], {
      cwd,
      env: { PATH: process.env['PATH'], ...env },
      stdio: 'pipe',
    });
    this.#child = child;
    running.add(child);
    follow(child.stdout, this.#stdout);
    follow(child.stderr, this.#stderr);
    // A program that ends without reading its input breaks the pipe, which is no fault of the test.
    child.stdin.on('error', () => undefined).end(input);
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        running.delete(child);
        resolve({ code, signal });
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Lines so far. */
  get stdout(): readonly string[] {
    return this.#stdout.all;
  }

  get stderr(): readonly string[] {
    return this.#stderr.all;
  }

  /** The first line of standard output that fits; rejects with what the program said when it ends without one. */
  line(pattern: RegExp): Promise<string> {
    return this.#require(this.#stdout, pattern);
  }

  news(pattern: RegExp): Promise<string> {
    return this.#require(this.#stderr, pattern);
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit> {
    this.#child.kill(signal);
    return this.exited;
  }

  async #require(lines: Lines, pattern: RegExp): Promise<string> {
    const found = await lines.find(pattern);
    if (found !== undefined) return found;
    const { code, signal } = await this.exited;
    throw new Error(`ended (${code ?? signal}) without ${pattern}:\n${[...this.stdout, ...this.stderr].join('\n')}`);
  }
}

function follow(stream: NodeJS.ReadableStream, lines: Lines): void {
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => lines.take(chunk));
  stream.on('end', () => lines.end());
}

export interface Outcome extends Exit {
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

/** Runs the program to its end. */
export async function runProgram(args: readonly string[], options?: ProgramOptions): Promise<Outcome> {
  const program = new Program(args, options);
  const exit = await program.exited;
  return { ...exit, stdout: program.stdout, stderr: program.stderr };
}

export interface ServerOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Settings flags. Without --port the server takes a free one. */
  readonly args?: readonly string[];
  /** Kept when the server ends, so that another can follow; without it there is a new one that goes with the server. */
  readonly dataDir?: string;
}

export interface ServerProcess {
  /** Base URL, as the ready line says it. */
  readonly url: string;
  readonly pid: number;
  readonly dataDir: string;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  readonly exited: Promise<Exit>;
  kill(signal?: NodeJS.Signals): Promise<Exit>;
}

/** A real server node; resolves when its ready line came, rejects with its output when it ends before. */
export async function startServer({ env, args = [], dataDir }: ServerOptions = {}): Promise<ServerProcess> {
  const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'allspark-')));
  const port = args.some((arg) => arg.startsWith('--port')) ? [] : ['--port', '0'];
  const program = new Program(['start', ...port, '--data-dir', folder, ...args], { ...(env && { env }) });
  const exited = program.exited.then(async (exit) => {
    if (dataDir === undefined) await rm(folder, { recursive: true, force: true });
    return exit;
  });
  exited.catch(() => undefined);
  const ready = await program.line(/^ready\b/);
  return {
    url: /https?:\/\/\S+/.exec(ready)?.[0] ?? '',
    pid: program.pid,
    dataDir: folder,
    stdout: program.stdout,
    stderr: program.stderr,
    exited,
    kill: (signal = 'SIGKILL') => {
      void program.kill(signal);
      return exited;
    },
  };
}
