import { Child } from './child.js';
import { within } from './wait.js';

export const WATCHED = 'watched ';
const ANSWER_MS = 10_000;
const PLANTED_MS = 60;

/** Since it was asked the time before. */
export interface Watched {
  /**
   * The most CPU time of its thread between two turns of a timer, ms: all that the frames of that time cost, and the
   * collector.
   */
  readonly busyMs: number;
  /** The longest time between two turns of the timer, ms. In it is what a busy machine gave to others. */
  readonly longestMs: number;
  /** Promises that were rejected and not handled, since the start. */
  readonly rejections: number;
  /** What every object has that none should, since the start. */
  readonly polluted: readonly string[];
}

/** Settings of a server that can be asked. */
export const WATCHING = { NODE_OPTIONS: `--import=${new URL('watching.js', import.meta.url).href}` };

/** Asks a process that was started with `WATCHING`; it collects its garbage then. */
export async function watched(subject: { readonly pid: number; said(): string }): Promise<Watched> {
  const told = (): string[] => subject.said().match(/^watched \{.*\}$/gm) ?? [];
  const before = told().length;
  process.kill(subject.pid, 'SIGUSR2');
  if (!(await within(ANSWER_MS, () => told().length > before))) throw new Error('the watched process does not tell');
  return JSON.parse(told().at(-1)!.slice(WATCHED.length)) as Watched;
}

const WRONG = `
  Promise.reject(new Error('planted'));
  ({}).constructor.prototype.x = 1;
  for (const begun = process.cpuUsage(); process.cpuUsage(begun).user < ${PLANTED_MS * 1_000};);
  setInterval(() => console.log('wrong'), 50);`;

/** Whether a process that does everything wrong is seen through. */
export async function watchSees(log: string): Promise<boolean> {
  const wrong = new Child(process.execPath, ['-e', WRONG], log, WATCHING);
  await wrong.line(/^wrong/m);
  const { busyMs, polluted, rejections } = await watched(wrong);
  await wrong.kill();
  return rejections === 1 && polluted.includes('x') && busyMs > PLANTED_MS / 2;
}
