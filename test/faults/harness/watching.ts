// Loaded by a server before its program (`--import`): tells what nobody sees from outside, on stdout, when asked to by
// SIGUSR2. Garbage is collected then, so that memory is what somebody holds on to; the time of that counts nowhere.
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { WATCHED, type Watched } from './watched.js';

const BEAT_MS = 2;
const NS_IN_MS = 1_000_000;
/** Of this thread; begins with the ns that it had a CPU. */
const SCHEDULE = '/proc/thread-self/schedstat';
const born = Object.getOwnPropertyNames(Object.prototype).length;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const polluted = new Set<string>();
let rejections = 0;
let longestMs = 0;
let busyMs = 0;
let last = moment();

function moment(): { readonly at: number; readonly busy: number } {
  return { at: performance.now(), busy: Number(readFileSync(SCHEDULE, 'latin1').split(' ', 1)[0]) / NS_IN_MS };
}

function beat(): void {
  const now = moment();
  longestMs = Math.max(longestMs, now.at - last.at - BEAT_MS);
  busyMs = Math.max(busyMs, now.busy - last.busy);
  last = now;
  lookForPollution();
}

function lookForPollution(): void {
  for (const key in {}) polluted.add(key);
  if (({} as Record<string, unknown>)['x'] !== undefined) polluted.add('x');
  if (Object.getOwnPropertyNames(Object.prototype).length !== born) polluted.add('one that is not enumerable');
}

function tell(): void {
  beat();
  collect();
  const watched: Watched = { longestMs, busyMs, rejections, polluted: [...polluted] };
  console.log(`${WATCHED}${JSON.stringify(watched)}`);
  longestMs = busyMs = 0;
  last = moment();
}

setInterval(beat, BEAT_MS).unref();
process.on('SIGUSR2', tell);
process.on('unhandledRejection', () => (rejections += 1));
