import type { LogRow, ReaderSink } from '../../src/modules/inbox/index.js';

/** The body of a row whose content is this. */
export function bodyOf(content: string): string {
  return `{"b":"${content}"}`;
}

/** What one reader was shown. */
export class SeenRows implements ReaderSink {
  readonly room = Infinity;
  private readonly rows: Array<{ readonly seq: number; readonly b: string }> = [];
  private behind = false;

  send(frame: string): void {
    this.rows.push(JSON.parse(frame) as { seq: number; b: string });
  }

  close(): void {
    this.behind = true;
  }

  limited(): void {}

  isUpTo(n: number): boolean {
    return this.behind || this.rows.length >= n;
  }

  judge(history: readonly LogRow[], wrong: (what: string) => void): void {
    const there = new Map(history.map(({ n, body }) => [n, body]));
    const shown = this.rows.map(({ seq, b }) => `${seq} ${b}`).join();
    const right = this.rows.every(({ seq, b }, index) => seq === index + 1 && there.get(seq) === bodyOf(b));
    if (!right) wrong(`a reader was shown what is not there: ${shown}`);
    if (!this.isUpTo(history.length)) wrong(`a reader was shown ${this.rows.length} rows of ${history.length}`);
  }
}
