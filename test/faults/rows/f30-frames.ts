import { spawn } from 'node:child_process';
import { ROOT } from '../harness/places.js';
import type { Report } from '../harness/report.js';
import type { Row } from '../harness/row.js';

const VITEST = `${ROOT}node_modules/vitest/vitest.mjs`;

/** Runs a file of the end-to-end tests. */
async function specs(report: Report, file: string): Promise<void> {
  const env = { ...process.env, NO_COLOR: '1' };
  const child = spawn(process.execPath, [VITEST, 'run', file], { cwd: ROOT, env });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const closing = /(\d+) passed, (\d+) failed/.exec(text);
  report.note(closing?.[0] ?? 'no closing line');
  report.holdsThat(`${file} passes:\n${code === 0 ? '' : text.slice(-4_000)}`, code === 0 && closing?.[2] === '0');
}

export const f30: Row = {
  id: 'F30',
  title: 'malformed frames',
  families: ['embedded'],
  short: true,
  async run({ report }) {
    await specs(report, 'test/e2e/malformed-frames.spec.ts');
    report.counts.push('each case whole and cut behind byte 1, 2 and n-1');
  },
};
