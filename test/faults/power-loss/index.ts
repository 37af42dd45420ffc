import { execFileSync } from 'node:child_process';
import type { Row } from '../harness/row.js';
import type { Scene } from '../harness/scene.js';
import { f2PowerLoss } from './f2.js';
import { f3ReceiptAfterSync } from './f3.js';
import { f8DiskFull } from './f8.js';
import type { RowOptions, RowOutcome } from './row.js';

/** The rows that concern what a disk does to the embedded store. They start their servers themselves. */
export const POWER_LOSS_ROWS: readonly Row[] = [
  row('F2', 'power loss: nothing confirmed is missing, the store opens', f2PowerLoss),
  row('F3', 'no receipt before its sync', f3ReceiptAfterSync),
  row('F8', 'disk full, and disks that fail', f8DiskFull),
];

function requireStrace(): void {
  try {
    execFileSync('strace', ['--version'], { stdio: 'ignore' });
  } catch {
    throw new Error('this row needs Linux and strace on the PATH');
  }
}

function row(id: string, title: string, play: (options: RowOptions) => Promise<RowOutcome>): Row {
  return {
    id,
    title,
    families: ['embedded'],
    short: true,
    async run({ random, short, report }: Scene) {
      requireStrace();
      const { counts, figure, shortfalls } = await play({ seed: random.seed, short });
      for (const [name, amount] of Object.entries(counts)) report.count(amount, name);
      report.note(figure);
      report.shortcomings.push(...shortfalls);
    },
  };
}
