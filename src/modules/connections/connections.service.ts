import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { ServerNode } from '../nodes/index.js';
import { ConnectionHooks } from './connections.hooks.js';
import { ConnectionsSettings } from './connections.settings.js';
import { Directory, type ConnectionRow } from './directory.js';
import type { LiveConnection } from './connections.types.js';

const NOBODY: ReadonlySet<LiveConnection> = new Set();

/** Who is connected: to this process, as a map; to the cluster, by the directory. */
@Injectable()
export class ConnectionsService {
  private readonly live = new Map<string, Set<LiveConnection>>();
  private count = 0;

  constructor(
    private readonly directory: Directory,
    private readonly serverNode: ServerNode,
    private readonly settings: ConnectionsSettings,
    private readonly clock: Clock,
    private readonly hooks: ConnectionHooks,
  ) {}

  /** Forgets what the last run at this address left behind. Before the first connection. */
  forgetLastBoot(): Promise<number> {
    return this.directory.forgetOtherBoots(this.serverNode.id, this.serverNode.bootId);
  }

  /** Registers a connection, here and in the directory. False: the node has as many as it may have. */
  async open(connection: LiveConnection): Promise<boolean> {
    const { nodeId, connectionId } = connection;
    const { id: serverNodeId, bootId } = this.serverNode;
    const row = { nodeId, connectionId, serverNodeId, bootId, since: this.clock.now() };
    if (!(await this.directory.register(row, this.settings.perNode))) return false;
    const siblings = this.live.get(nodeId);
    if (siblings) siblings.add(connection);
    else this.live.set(nodeId, new Set([connection]));
    this.count += 1;
    this.hooks.connected(connection);
    return true;
  }

  /** Undoes `open`, also one that answered false or failed: its registration may be there all the same. */
  async closed(connection: LiveConnection): Promise<void> {
    const siblings = this.live.get(connection.nodeId);
    const wasOpen = siblings?.delete(connection) === true;
    if (siblings?.size === 0) this.live.delete(connection.nodeId);
    if (wasOpen) {
      this.count -= 1;
      this.hooks.disconnected(connection);
    }
    await this.unregister(connection.nodeId, connection.connectionId);
  }

  /** Takes only the registration back; for one that `closed` could not, because the store was away. May be repeated. */
  unregister(nodeId: string, connectionId: string): Promise<void> {
    return this.directory.unregister(nodeId, connectionId);
  }

  /** The connections of a node that this process holds. */
  here(nodeId: string): ReadonlySet<LiveConnection> {
    return this.live.get(nodeId) ?? NOBODY;
  }

  /** The connections of each node in the whole cluster, freshly looked up. */
  everywhere(nodeIds: readonly string[]): Promise<ConnectionRow[][]> {
    return this.directory.of(nodeIds);
  }

  /** How many connections this process holds. */
  get size(): number {
    return this.count;
  }
}
