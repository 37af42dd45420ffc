import { CLOSE, type CloseCode } from '../../protocol/index.js';

/** How long (ms, from … to) a client waits before it comes back, by what ended its connection. */
const WAITS: Partial<Record<CloseCode, readonly [number, number]>> = {
  [CLOSE.keyExpired]: [0, 0],
  // Coming back at once would only push out another connection of the same node.
  [CLOSE.tooManyConnections]: [10_000, 30_000],
  [CLOSE.restart]: [500, 5_000],
  [CLOSE.internal]: [500, 5_000],
  [CLOSE.tryLater]: [500, 5_000],
};
const OTHERWISE = [100, 1_000] as const;

/** A random wait in its bounds, so that those who were closed together do not come back together. */
export function comeBackAfter(code: CloseCode): number {
  const [least, most] = WAITS[code] ?? OTHERWISE;
  return least + Math.random() * (most - least);
}
