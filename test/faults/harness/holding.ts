// Loaded by a server before its program (`--import`): tells what it holds on to, on stdout, when asked to by a signal.
// Garbage is collected then.
import { EventEmitter } from 'node:events';
import { queryObjects, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ALIVE, type Alive, COUNT, HELD, type Held } from './held.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Sockets, requests and child processes are emitters. Timers that do not keep the process alive are among them: what Node calls active resources leaves those out. */
const KINDS = { Timeout: timeoutClass(), EventEmitter, Map, Promise };

function timeoutClass(): new () => unknown {
  const timer = setTimeout(() => undefined, 0);
  clearTimeout(timer);
  return timer.constructor as new () => unknown;
}

function tellAlive(): void {
  collect();
  const { heapUsed, external, ...others } = process.memoryUsage();
  const alive: Alive = { bytes: heapUsed + external, heapUsed, external, ...others };
  console.log(`${ALIVE}${JSON.stringify(alive)}`);
}

/** Takes several collections for each kind: nothing for a server that has something to do. */
function tellHeld(): void {
  const objects = Object.entries(KINDS).map(([name, kind]) => [name, queryObjects(kind, { format: 'count' })]);
  const held: Held = {
    resources: process.getActiveResourcesInfo().length,
    objects: Object.fromEntries(objects) as Held['objects'],
  };
  console.log(`${HELD}${JSON.stringify(held)}`);
}

process.on('SIGUSR2', tellAlive);
process.on(COUNT, tellHeld);
