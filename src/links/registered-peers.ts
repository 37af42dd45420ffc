import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { Lifecycle } from '../common/lifecycle.js';
import { ServerNode, ServerNodesView } from '../modules/nodes/index.js';
import { PeerAddresses, type PeerAddress, type PeerIdentity } from './peer-addresses.js';

/** Between two looks that the heartbeats do not ask for. */
const LOOK_MS = 1_000;

/** The live server nodes, as the registry knows them. */
@Injectable()
export class RegisteredPeers extends PeerAddresses {
  private lookedAt = -LOOK_MS;
  private planned: Promise<void> | undefined;

  constructor(
    private readonly serverNode: ServerNode,
    private readonly view: ServerNodesView,
    private readonly lifecycle: Lifecycle,
    private readonly clock: Clock,
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

  lookAgain(): Promise<void> {
    const early = this.lookedAt + LOOK_MS - this.clock.monotonic();
    if (this.planned || early <= 0) return this.planned ?? this.look();
    this.planned = this.clock.pause(early).then(() => {
      this.planned = undefined;
      return this.look();
    });
    return this.planned;
  }

  onAppeared(call: (serverNodeId: string, isOlder: boolean) => void): void {
    this.view.onAppeared(({ serverNodeId }) => call(serverNodeId, this.lifecycle.phase === 'starting'));
    const callAll = (): void => this.view.live().forEach(({ serverNodeId }) => call(serverNodeId, true));
    this.serverNode.onRenewed(() => void this.look().then(callAll));
  }

  private look(): Promise<void> {
    this.lookedAt = this.clock.monotonic();
    return this.view.refresh().catch(() => undefined);
  }
}
