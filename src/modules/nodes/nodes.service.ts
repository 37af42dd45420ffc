import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Clock } from '../../common/clock.js';
import { NodeRegistry, type NodeRecord } from './node-registry.js';
import type { KeyOfNode } from './nodes.types.js';

const REMEMBERED_NODES = 100_000;
/** "Last seen" is kept this exactly: not every call is worth a write. */
const SEEN_AGAIN_MS = 60_000;

/** Which nodes exist and whose they are. That a node is known is remembered, that it is not is never. */
@Injectable()
export class NodesService {
  /** `iat` of the latest key of each, and when it was recorded. */
  private readonly known = new LRUCache<string, { iat: number; seenAt: number }>({ max: REMEMBERED_NODES });

  constructor(
    private readonly registry: NodeRegistry,
    private readonly clock: Clock,
  ) {}

  /** A valid key of the node made a call or a connection: it is known from now on, and owned by whom its latest key names. */
  async seen({ nodeId, clientId, issuedAt }: KeyOfNode): Promise<void> {
    const now = this.clock.now();
    const before = this.known.get(nodeId);
    if (before && before.iat >= issuedAt && now - before.seenAt < SEEN_AGAIN_MS) return;
    await this.registry.record([{ nodeId, clientId, iat: issuedAt, lastSeen: now }]);
    this.known.set(nodeId, { iat: Math.max(issuedAt, before?.iat ?? 0), seenAt: now });
  }

  /** Notes when a node went. */
  async left(nodeId: string): Promise<void> {
    await this.registry.record([{ nodeId, clientId: null, iat: 0, lastSeen: this.clock.now() }]);
  }

  async isKnown(nodeId: string): Promise<boolean> {
    return this.known.has(nodeId) || (await this.find(nodeId)) !== undefined;
  }

  /** Somebody who may do so named the nodes as destination or member. */
  async makeKnown(...nodeIds: readonly string[]): Promise<void> {
    const unseen = nodeIds.filter((nodeId) => !this.known.has(nodeId));
    if (unseen.length === 0) return;
    await this.registry.record(unseen.map((nodeId) => ({ nodeId, clientId: null, iat: 0, lastSeen: null })));
  }

  /** The record, freshly read. */
  async find(nodeId: string): Promise<NodeRecord | undefined> {
    const [record] = await this.registry.find([nodeId]);
    if (record) this.known.set(nodeId, { iat: record.iat, seenAt: record.lastSeen ?? 0 });
    return record;
  }
}
