import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ManualClock } from '../../src/common/clock.js';
import { type InboxLog, inboxLogOf, sessionLogOf, StoreUnavailable } from '../../src/modules/inbox/index.js';
import { logRow } from '../../src/modules/inbox/testing/index.js';
import { EmbeddedGroupLog, EmbeddedInboxLog } from '../../src/storage/embedded/index.js';
import { StoreFolder } from '../../src/storage/embedded/testing/store-folder.js';

const A = inboxLogOf('a');
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** Another process at the same store. */
class Child {
  readonly lines: string[] = [];
  private readonly process: ChildProcess;
  private readonly waiting: Array<() => void> = [];
  /** Its output is closed as well. */
  private isOver = false;

  constructor(args: readonly string[], prefix: readonly string[] = []) {
    const command = [...prefix, process.execPath, here('run-child.mjs'), here('store-child.ts'), ...args];
    this.process = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'ignore'] });
    createInterface({ input: this.process.stdout! }).on('line', (line) => {
      this.lines.push(line);
      this.wake();
    });
    this.process.on('close', () => {
      this.isOver = true;
      this.wake();
    });
  }

  private wake(): void {
    for (const call of this.waiting.splice(0)) call();
  }

  async said(wanted: (lines: readonly string[]) => boolean): Promise<void> {
    while (!wanted(this.lines)) {
      if (this.isOver) throw new Error(`the child ended after: ${this.lines.slice(-5).join(', ')}`);
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  kill(): void {
    this.process.kill('SIGKILL');
  }

  async ended(): Promise<void> {
    if (!this.isOver) await once(this.process, 'close');
  }
}

let folder: StoreFolder;
beforeEach(() => void (folder = new StoreFolder({ mergeRows: 70, mergeChunk: 10 })));
afterEach(() => folder.remove());

async function readAll(log: InboxLog) {
  return log.read(A, { after: 0, before: 1e9, limit: 1e6, maxBytes: 1e9 });
}

function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i + 1);
}

it('two processes that write one log make one log without gaps or doubles', async () => {
  const log = new EmbeddedInboxLog(await folder.open());
  const children = ['x', 'y'].map((name) => new Child([folder.dataDir, 'compete', name, '200']));
  await Promise.all(children.map((child) => child.said((lines) => lines.includes('open'))));
  for (let i = 0; i < 200;) {
    const n = ((await log.newest([A]))[0]?.n ?? 0) + 1;
    i += (await log.insert([logRow(A, n, { key: `own-${i}` })])).inserted;
  }
  await Promise.all(children.map((child) => child.said((lines) => lines.includes('end'))));
  const rows = await readAll(log);
  expect(rows.map((row) => row.n)).toEqual(upTo(600));
  expect(new Set(rows.map((row) => row.key)).size).toBe(600);
  const ofX = rows.filter((row) => row.key.startsWith('x-')).map((row) => row.key);
  expect(ofX).toEqual(upTo(200).map((i) => `x-${i - 1}`));
  await folder.closeAll();
  expect((await readAll(new EmbeddedInboxLog(await folder.open()))).map((row) => row.n)).toEqual(upTo(600));
});

it('all that a killed process confirmed is there, and others go on', async () => {
  const log = new EmbeddedInboxLog(await folder.open());
  const child = new Child([folder.dataDir, 'pour']);
  await child.said((lines) => lines.length > 150);
  child.kill();
  await child.ended();
  const confirmed = Number(child.lines.at(-1)?.split(' ')[1]);
  const rows = await readAll(log);
  expect(rows.length).toBeGreaterThanOrEqual(confirmed);
  expect(rows.map((row) => row.n)).toEqual(upTo(rows.length));
  expect(rows[confirmed - 1]).toEqual(logRow(A, confirmed));
  expect(await log.insert([logRow(A, rows.length + 1)])).toEqual({ inserted: 1 });
});

it('every entry that a killed process stored is found open, and no other', async () => {
  const G = sessionLogOf('g');
  const store = await folder.open();
  const [groups, log] = [new EmbeddedGroupLog(store), new EmbeddedInboxLog(store)];
  const child = new Child([folder.dataDir, 'begin']);
  await child.said((lines) => lines.length > 50);
  child.kill();
  await child.ended();
  const tail = (await log.newest([G]))[0]!.n;
  expect(tail).toBeGreaterThanOrEqual(Number(child.lines.at(-1)?.split(' ')[1]));
  for (let n = 1; n <= tail; n++) {
    expect(await groups.open('', 10)).toEqual([{ log: G, n }]);
    await groups.close(G, n);
  }
  expect(await groups.open('', 10)).toEqual([]);
});

it('what waited too long for the lock of another process is refused and never stored', async () => {
  const clock = new ManualClock();
  const log = new EmbeddedInboxLog(await folder.open({ clock }));
  const child = new Child([folder.dataDir, 'hoard']);
  await child.said((lines) => lines.includes('locked'));
  const late = log.insert([logRow(A, 1, { key: 'late' })]);
  clock.advance(5_000);
  await expect(late).rejects.toBeInstanceOf(StoreUnavailable);
  const next = log.insert([logRow(A, 1, { key: 'next' })]);
  writeFileSync(join(folder.dataDir, 'go-on'), '');
  expect(await next).toEqual({ inserted: 1 });
  expect((await readAll(log)).map((row) => row.key)).toEqual(['next']);
  await child.said((lines) => lines.includes('end'));
});

it.skipIf(process.platform === 'win32')(
  'a disk that takes no more is told once, and nothing is lost by it',
  async () => {
    const limited = ['/bin/sh', '-c', 'ulimit -f 2000; exec "$@"', 'sh'];
    const child = new Child([folder.dataDir, 'overfill'], limited);
    await child.said((lines) => lines.includes('end'));
    const stored = child.lines.filter((line) => line.startsWith('stored')).length;
    expect(stored).toBeGreaterThan(10);
    expect(child.lines.filter((line) => !line.startsWith('stored')).toSorted()).toEqual([
      'end',
      'fatal',
      'later StoreUnavailable',
      'open',
      'refused',
    ]);
    const log = new EmbeddedInboxLog(await folder.open());
    const found = (await readAll(log)).length;
    expect([stored, stored + 1]).toContain(found);
    expect(await log.insert([logRow(A, found + 1)])).toEqual({ inserted: 1 });
  },
);
