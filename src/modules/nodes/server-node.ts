import { Injectable } from '@nestjs/common';
import { newServerNodeId, randomId } from '../../common/ids.js';
import { ServerNodes } from './server-nodes.js';

/** This process as a member of the cluster: the id of its address, and the id of this run. */
@Injectable()
export class ServerNode {
  readonly bootId = randomId();
  private serverNodeId = '';

  constructor(private readonly serverNodes: ServerNodes) {}

  get id(): string {
    if (!this.serverNodeId) throw new Error('The server node has no address yet: call claim() first');
    return this.serverNodeId;
  }

  /** Takes its place at `address` (host:port), which it holds the listening socket of. Before the first connection. */
  async claim(address: string): Promise<void> {
    const row = await this.serverNodes.succeed({ serverNodeId: newServerNodeId(), address, bootId: this.bootId });
    this.serverNodeId = row.serverNodeId;
  }
}
