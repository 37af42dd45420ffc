import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { ServerNode, ServerNodesView } from '../nodes/index.js';
import { ConnectionsSettings } from './connections.settings.js';
import { Directory, type ConnectionRow } from './directory.js';
import type { LiveConnection } from './connections.types.js';

const NOBODY: ReadonlySet<LiveConnection> = new Set();
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

type Registered = Pick<ConnectionRow, 'since' | 'moving'>;

/** Who is connected: to this process, as a map; to the cluster, by the directory. */
@Injectable()
export class ConnectionsService {
  private readonly live = new Map<string, Set<LiveConnection>>();
  private readonly registered = new Map<LiveConnection, Registered>();

  constructor(
    private readonly directory: Directory,
    private readonly serverNode: ServerNode,
    private readonly view: ServerNodesView,
    private readonly settings: ConnectionsSettings,
    private readonly clock: Clock,
  ) {
    serverNode.addLoad(() => ({ connections: this.size }));
  }

  /** Registers a connection, here and in the directory. False: the node has as many as it may have. */
  async open(connection: LiveConnection): Promise<boolean> {
    const { bootId } = this.serverNode;
    const registration = { since: this.clock.now() };
    if (!(await this.register(connection, registration, this.settings.perNode))) return false;
    const siblings = this.live.get(connection.nodeId);
    if (siblings) siblings.add(connection);
    else this.live.set(connection.nodeId, new Set([connection]));
    this.registered.set(connection, registration);
    // The run that it was registered for is over by now; the next one has not seen this connection.
    if (bootId !== this.serverNode.bootId) await this.registerAgain(connection);
    return true;
  }

  /** It was told to move: its place is free for another connection of its node, and everybody still sees it. */
  async moving(connection: LiveConnection): Promise<void> {
    const registration = this.registered.get(connection);
    if (!registration) return;
    this.registered.set(connection, { ...registration, moving: true });
    await this.registerAgain(connection);
  }

  /** Undoes `open`, also one that answered false or failed: its registration may be there all the same. */
  async closed(connection: LiveConnection): Promise<void> {
    this.registered.delete(connection);
    const siblings = this.live.get(connection.nodeId);
    siblings?.delete(connection);
    if (siblings?.size === 0) this.live.delete(connection.nodeId);
    await this.unregister(connection.nodeId, connection.connectionId);
  }

  /** Takes only the registration back; for one that `closed` could not, because the store was away. May be repeated. */
  unregister(nodeId: string, connectionId: string): Promise<void> {
    return this.directory.unregister(nodeId, connectionId);
  }

  /** Registers one that is open again, in the name of the present run; nothing of one that closed is left. */
  async registerAgain(connection: LiveConnection): Promise<void> {
    const registration = this.registered.get(connection);
    if (registration) await this.register(connection, registration, NO_LIMIT);
    if (!this.registered.has(connection)) await this.unregister(connection.nodeId, connection.connectionId);
  }

  /** The connections of a node that this process holds. */
  here(nodeId: string): ReadonlySet<LiveConnection> {
    return this.live.get(nodeId) ?? NOBODY;
  }

  /** All that this process holds. */
  all(): Iterable<LiveConnection> {
    return this.registered.keys();
  }

  /** The connections of each node in the whole cluster, freshly looked up; those of dead server nodes are none. */
  async everywhere(nodeIds: readonly string[]): Promise<ConnectionRow[][]> {
    const found = await this.directory.of(nodeIds);
    await this.view.learn(found.flatMap((rows) => rows.map(({ bootId }) => bootId)));
    return found.map((rows) => rows.filter(({ bootId }) => this.view.isLive(bootId)));
  }

  /** How many connections this process holds. */
  get size(): number {
    return this.registered.size;
  }

  private register(connection: LiveConnection, registration: Registered, limit: number): Promise<boolean> {
    const { nodeId, connectionId } = connection;
    const { id: serverNodeId, bootId } = this.serverNode;
    return this.directory.register({ nodeId, connectionId, serverNodeId, bootId, ...registration }, limit);
  }
}
