import type { Database } from 'lmdb';
import { type NodeRecord, NodeRegistry } from '../../modules/nodes/index.js';
import type { EmbeddedStore } from './embedded-store.js';

const RECORDS_A_COMMIT = 256;

export class EmbeddedNodeRegistry extends NodeRegistry {
  private readonly nodes: Database<NodeRecord, string>;

  constructor(private readonly store: EmbeddedStore) {
    super();
    this.nodes = store.json('nodes');
  }

  async find(nodeIds: readonly string[]): Promise<Array<NodeRecord | undefined>> {
    return this.store.read(() => nodeIds.map((nodeId) => this.nodes.get(nodeId)));
  }

  async record(nodes: readonly NodeRecord[]): Promise<void> {
    const commits: Array<Promise<void>> = [];
    for (let i = 0; i < nodes.length; i += RECORDS_A_COMMIT) {
      const chunk = nodes.slice(i, i + RECORDS_A_COMMIT);
      commits.push(this.store.writes.run(chunk.length, () => chunk.forEach((node) => this.merge(node))));
    }
    await Promise.all(commits);
  }

  private merge(node: NodeRecord): void {
    const known = this.nodes.get(node.nodeId);
    const merged = known ? mergeRecords(known, node) : node;
    if (merged !== known) void this.nodes.put(node.nodeId, merged);
  }
}

function mergeRecords(known: NodeRecord, news: NodeRecord): NodeRecord {
  const isNewerKey = news.iat > known.iat;
  const isLater = (news.lastSeen ?? 0) > (known.lastSeen ?? 0);
  if (!isNewerKey && !isLater) return known;
  const { clientId, iat } = isNewerKey ? news : known;
  return { nodeId: known.nodeId, clientId, iat, lastSeen: isLater ? news.lastSeen : known.lastSeen };
}
