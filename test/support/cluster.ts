import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type findMongo, startMongo, type TestMongo } from './mongo.js';
import { ProcessNode } from './process-node.js';
import type { Frame } from './talker.js';
import { SECRET } from './test-server.js';

/** Quick to notice, and patient with a machine that has much else to do. */
const BEATS = { SERVER_NODE_HEARTBEAT_MS: '200', SERVER_NODE_STALE_MS: '3000' };

export interface NodeView {
  readonly connected: boolean;
  readonly connections: readonly Frame[];
}

/** Server nodes as processes of their own, on one store. */
export class Cluster {
  private constructor(
    readonly nodes: readonly ProcessNode[],
    private readonly folder: string,
    private readonly mongo: TestMongo | undefined,
  ) {}

  /** With `mongo` they share a database there, otherwise an embedded data folder. All know each other, and send newcomers to each other, when it resolves. */
  static async start(
    count: number,
    settings: Readonly<Record<string, string>> = {},
    found?: Awaited<ReturnType<typeof findMongo>>,
  ): Promise<Cluster> {
    const folder = await mkdtemp(join(tmpdir(), 'allspark-cluster-'));
    const mongo = found && (await startMongo(found.setups.at(-1)!, found));
    const store = { DATA_DIR: folder, ...(mongo && { MONGODB_URI: mongo.freshUri() }) };
    const shared = { ...BEATS, ...store, LINK_SECRET: SECRET, RATE_PER_SECOND: '0', ...settings };
    const nodes = await Promise.all(Array.from({ length: count }, () => ProcessNode.start(shared)));
    const cluster = new Cluster(nodes, folder, mongo);
    await cluster.areLive(count);
    for (const node of nodes) await offers(node, count);
    return cluster;
  }

  get urls(): string[] {
    return this.nodes.map(({ url }) => url);
  }

  /** Resolves when each of them (or those given) sees so many. */
  async areLive(count: number, nodes: readonly ProcessNode[] = this.nodes): Promise<void> {
    for (const node of nodes) while ((await liveAt(node)) !== count);
  }

  /** The nodes, that with the most connections first. */
  async byConnections(): Promise<ProcessNode[]> {
    const counted = this.nodes.map(async (node) => ({ node, count: await figureAt(node, 'allspark_connections') }));
    return (await Promise.all(counted)).sort((a, b) => b.count - a.count).map(({ node }) => node);
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.remove()));
    await this.mongo?.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** What an app is shown of a node. */
export async function nodeView(at: ProcessNode, nodeId: string): Promise<NodeView> {
  return (await at.json('backend', `/v1/nodes/${nodeId}`, undefined, { role: 'app' })) as NodeView;
}

/** Resolves when it has sent newcomers to so many: to who has just come it sends them once it saw a second heartbeat. */
async function offers(node: ProcessNode, count: number): Promise<void> {
  const named = new Set<string>();
  for (let asked = 0; named.size < count; asked += 1) {
    const { url } = (await node.json(`newcomer-${asked}`, '/v1/pre-connections', {})) as { url: string };
    named.add(new URL(url).host);
  }
}

function liveAt(node: ProcessNode): Promise<number> {
  return figureAt(node, 'allspark_server_nodes{state="live"}');
}

async function figureAt(node: ProcessNode, name: string): Promise<number> {
  const headers = { authorization: `Bearer ${await node.key('backend', { role: 'app' })}` };
  const page = await (await fetch(`${node.url}/metrics`, { headers })).text();
  const line = page.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length));
}
