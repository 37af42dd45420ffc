import { closeSync, openSync, writeSync } from 'node:fs';
import type { Entry } from '../checker/entries.js';

const FLUSH_MS = 100;
const FLUSH_LINES = 500;

/** Ms of the machine's monotonic clock, which all processes share. */
export function monotonic(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/** Writes down, line by line and with the time, what happens to the clients of one process. */
export class JournalWriter {
  private readonly file: number;
  private lines: string[] = [];
  private readonly flushing: NodeJS.Timeout;
  private readonly atExit = (): void => this.flush();

  constructor(path: string) {
    this.file = openSync(path, 'a');
    this.flushing = setInterval(() => this.flush(), FLUSH_MS).unref();
    process.on('exit', this.atExit);
  }

  write(entry: Entry): void {
    this.lines.push(JSON.stringify({ at: monotonic(), ...entry }));
    if (this.lines.length >= FLUSH_LINES) this.flush();
  }

  flush(): void {
    if (this.lines.length > 0) writeSync(this.file, `${this.lines.join('\n')}\n`);
    this.lines = [];
  }

  close(): void {
    clearInterval(this.flushing);
    process.off('exit', this.atExit);
    this.flush();
    closeSync(this.file);
  }
}
