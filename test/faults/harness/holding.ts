// Loaded by a server before its program (`--import`): tells what it holds on to, on stdout, when asked to by a signal.
// Garbage is collected then.
import { EventEmitter } from 'node:events';
import { queryObjects } from 'node:v8';
import { ALIVE, type Alive, COUNT, HELD, type Held } from './held.js';

/** Sockets and requests are emitters. Timers that keep no process alive count too: what Node calls active leaves them out. */
const KINDS = { Timeout: timeoutClass(), EventEmitter, Map, Promise };

function timeoutClass(): new () => unknown {
  const timer = setTimeout(() => undefined, 0);
  clearTimeout(timer);
  return timer.constructor as new () => unknown;
}

/** A class of which there is none: to count its objects V8 collects all that it can, and gives whole pages back. */
class Nothing {}

function tellAlive(): void {
  queryObjects(Nothing, { format: 'count' });
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
