import { Injectable } from '@nestjs/common';
import { type ConnectionRow, ConnectionsService } from '../../modules/connections/index.js';
import { InboxService } from '../../modules/inbox/index.js';
import { NodesService } from '../../modules/nodes/index.js';
import { Refusal } from '../../protocol/index.js';
import type { Node } from './nodes.schema.js';

/** What a trusted backend may see of a node. */
@Injectable()
export class NodeViews {
  constructor(
    private readonly nodes: NodesService,
    private readonly connections: ConnectionsService,
    private readonly inbox: InboxService,
  ) {}

  async view(nodeId: string): Promise<Node> {
    const record = await this.nodes.find(nodeId);
    if (!record) throw new Refusal('node_unknown');
    const [[rows = []], state] = await Promise.all([this.connections.everywhere([nodeId]), this.inbox.state(nodeId)]);
    return {
      node_id: nodeId,
      client_id: record.clientId,
      connected: rows.length > 0,
      connections: rows.map(connectionView),
      last_seen: record.lastSeen,
      inbox: { tail_seq: state.tailSeq, acked_seq: state.ackedSeq, pending: state.pending },
    };
  }
}

function connectionView({ connectionId, serverNodeId, since }: ConnectionRow): Node['connections'][number] {
  return { connection_id: connectionId, server_node_id: serverNodeId, since };
}
