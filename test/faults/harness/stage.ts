import { Cluster } from './cluster.js';
import type { Scene } from './scene.js';
import type { ServerNode } from './server-node.js';

/** One server node or several on one store, and the door through which clients come in. */
export interface Stage {
  readonly servers: readonly [ServerNode, ...ServerNode[]];
  readonly url: string;
}

export async function stageOf(
  scene: Scene,
  count: number,
  settings: Readonly<Record<string, string>> = {},
): Promise<Stage> {
  if (count > 1) {
    const { servers, url } = await Cluster.start(scene, count, settings);
    return { servers: servers as [ServerNode, ...ServerNode[]], url };
  }
  const server = await scene.server(settings);
  return { servers: [server], url: server.url };
}
