import { Injectable } from '@nestjs/common';
import { ServerNode, ServerNodesView } from '../modules/nodes/index.js';
import { PeerAddresses, type PeerAddress, type PeerIdentity } from './peer-addresses.js';

/** The live server nodes, as the registry knows them. */
@Injectable()
export class RegisteredPeers extends PeerAddresses {
  constructor(
    private readonly serverNode: ServerNode,
    private readonly view: ServerNodesView,
  ) {
    super();
  }

  get self(): PeerIdentity | undefined {
    const { hasPlace, bootId } = this.serverNode;
    return hasPlace ? { serverNodeId: this.serverNode.id, bootId } : undefined;
  }

  find(serverNodeId: string): PeerAddress | undefined {
    return this.view.find(serverNodeId);
  }
}
