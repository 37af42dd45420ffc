import { createHash } from 'node:crypto';
import type { ServerNodeRow } from './server-nodes.js';

/** Up to here a late event loop (ms) says nothing; twice as late counts as twice as full. */
const USUAL_LAG_MS = 100;

/** A server node that a newcomer might be sent to. */
export interface Candidate extends Pick<
  ServerNodeRow,
  'serverNodeId' | 'capacity' | 'connections' | 'lagMs' | 'closed'
> {
  /** Newcomers that were sent there and have not come yet. */
  readonly expected: number;
}

/**
 * Of two that are picked at random the one that is less full: as good as the least full of all, and many who choose at
 * once by the same old figures do not all choose the same. What a session's members all say keeps them together, as
 * long as their server node has room. `random` answers numbers from 0 to below 1. Undefined: nobody has room.
 */
export function chooseServerNode<C extends Candidate>(
  candidates: readonly C[],
  random: () => number,
  sessionId?: string,
): C | undefined {
  const open = candidates.filter(hasRoom);
  if (sessionId !== undefined) return homeOf(sessionId, open);
  const first = Math.floor(random() * open.length);
  const second = (first + 1 + Math.floor(random() * (open.length - 1))) % open.length;
  const [one, other] = [open[first], open[second]];
  return one && other && fullnessOf(other) < fullnessOf(one) ? other : one;
}

/** Where all who know these server nodes expect what belongs to this name. */
export function homeOf<R extends { readonly serverNodeId: string }>(name: string, rows: readonly R[]): R | undefined {
  return highest(rows, ({ serverNodeId }) => weightOf(name, serverNodeId));
}

function hasRoom({ closed, capacity, connections, expected }: Candidate): boolean {
  return !closed && connections + expected < capacity;
}

function fullnessOf({ capacity, connections, expected, lagMs }: Candidate): number {
  return ((connections + expected + 1) / capacity) * Math.max(1, lagMs / USUAL_LAG_MS);
}

/** Of a server node for a name: when one comes or goes, only what belonged to it changes its place. */
function weightOf(name: string, serverNodeId: string): number {
  return createHash('sha256').update(`${name} ${serverNodeId}`).digest().readUIntBE(0, 6);
}

function highest<T>(items: readonly T[], valueOf: (item: T) => number): T | undefined {
  let best: { item: T; value: number } | undefined;
  for (const item of items) {
    const value = valueOf(item);
    if (!best || value > best.value) best = { item, value };
  }
  return best?.item;
}
