import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Clock } from '../../common/clock.js';
import { NodeRegistry, type NodeRecord } from './node-registry.js';
import type { KeyOfNode } from './nodes.types.js';

const REMEMBERED_NODES = 100_000;

/** Which nodes exist and whose they are. That a node is known is remembered, that it is not is never. */
@Injectable()
export class NodesService {
  /** `iat` of the latest key that was seen of each. */
  private readonly known = new LRUCache<string, number>({ max: REMEMBERED_NODES });

  constructor(
    private readonly registry: NodeRegistry,
    private readonly clock: Clock,
  ) {}

  /** A valid key of the node made a call or a connection: it is known from now on, and owned by whom its latest key names. */
  async seen({ nodeId, clientId, issuedAt }: KeyOfNode): Promise<void> {
    if ((this.known.get(nodeId) ?? -1) >= issuedAt) return;
    await this.registry.record([{ nodeId, clientId, iat: issuedAt, lastSeen: this.clock.now() }]);
    this.known.set(nodeId, issuedAt);
  }

  /** Notes when a node went. */
  async left(nodeId: string): Promise<void> {
    await this.registry.record([{ nodeId, clientId: null, iat: 0, lastSeen: this.clock.now() }]);
  }

  async isKnown(nodeId: string): Promise<boolean> {
    return this.known.has(nodeId) || (await this.find(nodeId)) !== undefined;
  }

  /** Somebody who may do so named the node as a destination. */
  async makeKnown(nodeId: string): Promise<void> {
    await this.registry.record([{ nodeId, clientId: null, iat: 0, lastSeen: null }]);
  }

  /** The record, freshly read. */
  async find(nodeId: string): Promise<NodeRecord | undefined> {
    const [record] = await this.registry.find([nodeId]);
    if (record) this.known.set(nodeId, record.iat);
    return record;
  }
}
