import { Injectable } from '@nestjs/common';
import { ServerNode } from '../modules/nodes/index.js';
import { PeerAddresses, type PeerAddress, type PeerIdentity } from './peer-addresses.js';

/** Peers by the registry of server nodes. Nobody is found there yet: others may open links to here, this one opens none. */
@Injectable()
export class RegisteredPeers extends PeerAddresses {
  constructor(private readonly serverNode: ServerNode) {
    super();
  }

  get self(): PeerIdentity | undefined {
    try {
      return { serverNodeId: this.serverNode.id, bootId: this.serverNode.bootId };
    } catch {
      return undefined;
    }
  }

  find(): PeerAddress | undefined {
    return undefined;
  }
}
