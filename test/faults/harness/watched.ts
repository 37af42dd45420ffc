import { Child } from './child.js';
import { type Teller, told } from './told.js';

export const WATCHED = 'watched ';
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
export function watched(subject: Teller): Promise<Watched> {
  return told<Watched>(subject, WATCHED);
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
