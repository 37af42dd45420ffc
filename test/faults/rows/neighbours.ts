import type { Crew } from '../harness/crew.js';
import type { Scene } from '../harness/scene.js';

/** Healthy clients beside the one that a row is about: pairs of a sender and a reader. */
export interface Neighbours {
  readonly crew: Crew;
  readonly nodes: readonly string[];
}

export async function settleNeighbours(
  scene: Scene,
  url: string,
  pairs: number,
  perSecond: number,
): Promise<Neighbours> {
  const crew = scene.crew();
  const nodes = Array.from({ length: pairs }, (_none, index) => `neighbour-${index + 1}`);
  for (const [index, node] of nodes.entries()) {
    await crew.read({ kind: index % 2 === 0 ? 'sdk' : 'raw', reader: `${node}/one`, node, url });
    await crew.send({ kind: 'raw', src: `pal-${index + 1}`, dests: [node], perSecond, url });
  }
  await crew.connected();
  return { crew, nodes };
}
