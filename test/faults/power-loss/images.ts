import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT } from './server-under-strace.js';

/** What is in a store. */
export interface Found {
  /** Name of the log, n, key, body. */
  readonly rows: ReadonlyArray<readonly [string, number, string, string]>;
  readonly acked: Readonly<Record<string, number>>;
  readonly epoch: string;
  /** The first entry of each group that is still to be driven. */
  readonly open: ReadonlyArray<{ readonly log: string; readonly n: number }>;
  /** A row could be added. */
  readonly takes: boolean;
}

export type Look = Found | { readonly error: string };

/** Opens stores as the server would, in a process of its own, since a broken one may take its process along. */
export class Looker {
  private child: ChildProcess | undefined;
  private answers: AsyncIterator<string> | undefined;
  private count = 0;

  constructor(private readonly folder: string) {}

  /** What a server would find that starts on this file; `undefined` for none. */
  async lookAt(image: Buffer | undefined): Promise<Look> {
    const dataDir = join(this.folder, `image-${(this.count += 1)}`);
    mkdirSync(dataDir);
    if (image) writeFileSync(join(dataDir, 'data.mdb'), image);
    try {
      return await this.ask(dataDir);
    } finally {
      rmSync(dataDir, { recursive: true });
    }
  }

  async ask(dataDir: string): Promise<Look> {
    const child = (this.child ??= this.start());
    child.stdin!.write(`${dataDir}\n`);
    const answer = await this.answers!.next();
    if (!answer.done) return JSON.parse(answer.value) as Look;
    this.child = undefined;
    return { error: `the process ended by ${child.signalCode ?? child.exitCode}` };
  }

  private start(): ChildProcess {
    const script = join(ROOT, 'test', 'faults', 'power-loss', 'look.mjs');
    const child = spawn(process.execPath, [script, ROOT], { stdio: ['pipe', 'pipe', 'ignore'] });
    child.stdin.on('error', () => {});
    this.answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return child;
  }

  stop(): void {
    this.child?.stdin?.end();
  }
}
