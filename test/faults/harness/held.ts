import { Child } from './child.js';
import { type Teller, told } from './told.js';

export const ALIVE = 'alive ';
export const HELD = 'held ';
/** Without the harness nothing comes of it. */
export const COUNT = 'SIGWINCH';
const PLANTED = 50;
const PLANTED_BYTES = 8 * 1024 * 1024;

export interface Alive {
  /** In the heap and beside it, without garbage. */
  readonly bytes: number;
  /** What Node says of its memory, bytes. */
  readonly [part: string]: number;
}

export interface Held {
  /** What keeps its event loop alive. */
  readonly resources: number;
  /** How many objects of a kind somebody still holds on to. */
  readonly objects: Readonly<Record<string, number>>;
}

/** Settings of a server that can be asked. */
export const HOLDING = { NODE_OPTIONS: `--import=${new URL('holding.js', import.meta.url).href}` };

/** Asks a process that was started with `HOLDING`. */
export function alive(subject: Teller): Promise<Alive> {
  return told<Alive>(subject, ALIVE);
}

/** Asks a process that was started with `HOLDING`, and holds it up for a second or so. */
export function held(subject: Teller): Promise<Held> {
  return told<Held>(subject, HELD, COUNT);
}

const LEAKING = `
  const kept = [];
  process.on('SIGHUP', () => {
    for (let at = 0; at < ${PLANTED}; at += 1) {
      kept.push(setTimeout(() => {}, 1e8).unref(), new Map(), new Promise(() => {}), setInterval(() => {}, 1e8));
    }
    kept.push(new Float64Array(${PLANTED_BYTES / 8}));
    console.log('leaked');
  });
  setInterval(() => {}, 1e8);
  console.log('begun');`;

/** Whether timers, maps and promises that a process never lets go are seen. */
export async function heldSees(log: string): Promise<boolean> {
  const leaking = new Child(process.execPath, ['-e', LEAKING], log, HOLDING);
  await leaking.line(/^begun/m);
  const [bytes, before] = [(await alive(leaking)).bytes, await held(leaking)];
  void leaking.kill('SIGHUP');
  await leaking.line(/^leaked/m);
  const [moreBytes, after] = [(await alive(leaking)).bytes - bytes, await held(leaking)];
  await leaking.kill();
  const more = (kind: string): number => (after.objects[kind] ?? 0) - (before.objects[kind] ?? 0);
  const timers = more('Timeout') >= 2 * PLANTED && after.resources - before.resources >= PLANTED;
  const objects = timers && more('Map') >= PLANTED && more('Promise') >= PLANTED;
  return objects && moreBytes >= PLANTED_BYTES / 2;
}
