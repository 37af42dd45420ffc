import { MIB, now, ownBytes } from './measure.js';
import { pause } from './wait.js';
import { watched } from './watched.js';

/** V8 gives back what a collection freed a little later, from another thread. */
const GIVE_BACK_MS = 500;
const SETTLED_BYTES = MIB;

/** A process that was started with `WATCHING`. */
interface Weighed {
  readonly pid: number;
  said(): string;
}

/**
 * Own memory without garbage. How much of that V8 lets lie depends on how busy single seconds were, and it shrinks an
 * idle heap on its own: left alone, an idle server looks smaller than a busy one that holds nothing more.
 */
export async function heldBytes(server: Weighed): Promise<number> {
  await watched(server);
  await pause(GIVE_BACK_MS);
  return ownBytes(server.pid);
}

/** As `heldBytes`, of a process that was busy: pages with a little in them go with a later collection only. */
export async function settledBytes(server: Weighed): Promise<number> {
  for (let before = Infinity; ;) {
    const held = await heldBytes(server);
    if (held > before - SETTLED_BYTES) return Math.min(held, before);
    before = held;
  }
}

/** The most that was held at any look while this was done; each look costs a full collection. */
export async function mostHeldDuring(server: Weighed, work: Promise<unknown>, everyMs: number): Promise<number> {
  const done = work.then(() => true);
  const isDone = (): Promise<boolean> => Promise.race([done, pause(everyMs).then(() => false)]);
  let most = await heldBytes(server);
  while (!(await isDone())) most = Math.max(most, await heldBytes(server));
  return most;
}

/** The most that was held at any look until then; each look costs a full collection. */
export async function mostHeld(server: Weighed, until: number, everyMs: number): Promise<number> {
  let most = 0;
  while (now() + everyMs < until) {
    await pause(everyMs);
    most = Math.max(most, await heldBytes(server));
  }
  return most;
}
