import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Lines of a shell and everything that it leaves in the background, as one group of processes. */
export class Shell {
  readonly lines: string[] = [];
  /** Resolves when nobody is left who could write. */
  readonly ended: Promise<void>;
  private readonly group: number;
  private waiting: (() => void)[] = [];
  private isOver = false;

  constructor(script: string, cwd: string, env: Readonly<Record<string, string>> = {}) {
    const child = spawn('bash', ['-c', script], {
      cwd,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.group = child.pid ?? 0;
    for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', (line) => this.take(line));
    this.ended = new Promise((resolve) => {
      child.on('close', () => {
        this.isOver = true;
        this.wake();
        resolve();
      });
    });
    const kill = (): void => this.signal('SIGKILL');
    process.once('exit', kill);
    void this.ended.then(() => process.off('exit', kill));
  }

  /** The first so many lines that fit; rejects with all that was said when it ends before. */
  async find(pattern: RegExp, count: number): Promise<string[]> {
    for (;;) {
      const found = this.lines.filter((line) => pattern.test(line));
      if (found.length >= count) return found.slice(0, count);
      if (this.isOver) throw new Error(`ended without ${count} times ${pattern}:\n${this.lines.join('\n')}`);
      await new Promise<void>((resolve) => void this.waiting.push(resolve));
    }
  }

  /** To everybody in it, as a terminal does. */
  signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.group, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  private take(line: string): void {
    this.lines.push(line);
    this.wake();
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
