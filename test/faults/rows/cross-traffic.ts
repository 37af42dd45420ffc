import type { Crew } from '../harness/crew.js';
import type { Cluster } from '../harness/cluster.js';
import type { Scene } from '../harness/scene.js';

export interface CrossOrder {
  /** Of each sender. */
  readonly perSecond: number;
  readonly pairs: number;
  readonly bytes?: number;
}

/** Inboxes of which each is read at one server node and written to from another one. */
export interface CrossTraffic {
  readonly reading: Crew;
  readonly sending: Crew;
  readonly nodes: readonly string[];
}

/** Senders stay at their server node and readers at theirs; each pair of server nodes has some, both ways. */
export async function manCrossTraffic(scene: Scene, cluster: Cluster, order: CrossOrder): Promise<CrossTraffic> {
  const { perSecond, pairs, bytes = 40 } = order;
  const { servers } = cluster;
  const [reading, sending] = [scene.crew(), scene.crew()];
  const nodes: string[] = [];
  for (let at = 0; at < pairs; at += 1) {
    const node = `reader-${at + 1}`;
    const here = servers[at % servers.length]!;
    const there = servers[(at + 1 + (Math.floor(at / servers.length) % (servers.length - 1))) % servers.length]!;
    nodes.push(node);
    await reading.read({ kind: 'raw', reader: `${node}/there`, node, url: here.url });
    await sending.send({ kind: 'raw', src: `sender-${at + 1}`, dests: [node], perSecond, url: there.url, bytes });
  }
  await Promise.all([reading.connected(), sending.connected()]);
  return { reading, sending, nodes };
}
