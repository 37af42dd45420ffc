import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, existsSync, readFileSync, readdirSync } from 'node:fs';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** A process that writes all it says into a file, and ends with this one. */
export class Child {
  readonly exited: Promise<Exit>;
  exit: Exit | undefined;
  private readonly child: ChildProcess;

  constructor(
    program: string,
    args: readonly string[],
    readonly log: string,
    env: Readonly<Record<string, string>> = {},
  ) {
    const child = spawn(program, args, {
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    running.add(child);
    const file = createWriteStream(log, { flags: 'a' });
    child.stdout?.pipe(file, { end: false });
    child.stderr?.pipe(file, { end: false });
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        running.delete(child);
        resolve((this.exit = { code, signal }));
      });
    });
    this.exited.catch(() => undefined);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  said(): string {
    // The file is made when there is something to write.
    return existsSync(this.log) ? readFileSync(this.log, 'utf8') : '';
  }

  /** Resolves with the first match in what it says from now on; rejects when it ends without one. */
  line(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      let text = '';
      this.child.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8');
        const found = pattern.exec(text);
        if (found) resolve(found);
      });
      void this.exited.then(({ code, signal }) => reject(new Error(`ended (${code ?? signal}):\n${tailOf(this.log)}`)));
    });
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit> {
    this.child.kill(signal);
    return this.exited;
  }
}

function tailOf(file: string): string {
  return readFileSync(file, 'utf8').slice(-2_000);
}

const PAGE = 4_096;

/** Resident memory, bytes; 0 when it is gone. */
export function residentBytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE;
  } catch {
    return 0;
  }
}

export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
