import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { CLOSE, type CloseCode } from '../../protocol/index.js';
import { type EndOrder, endsKey, ForcedEnds } from '../auth/index.js';
import { ServerNode } from '../nodes/index.js';
import { ConnectionHooks } from './connections.hooks.js';
import { ConnectionsSettings } from './connections.settings.js';
import { Directory, type ConnectionRow } from './directory.js';
import type { LiveConnection } from './connections.types.js';

const NOBODY: ReadonlySet<LiveConnection> = new Set();
/** An order about connections is read by every server node that can read the store, or its connections are gone. */
const ORDER_MS = 600_000;

/** Who is connected: to this process, as a map; to the cluster, by the directory. */
@Injectable()
export class ConnectionsService {
  private readonly live = new Map<string, Set<LiveConnection>>();
  private count = 0;

  constructor(
    private readonly directory: Directory,
    private readonly serverNode: ServerNode,
    private readonly settings: ConnectionsSettings,
    private readonly ends: ForcedEnds,
    private readonly clock: Clock,
    private readonly hooks: ConnectionHooks,
  ) {
    ends.onOrder((order) => this.obey(order));
  }

  /** Forgets what the last run at this address left behind. Before the first connection. */
  forgetLastBoot(): Promise<number> {
    return this.directory.forgetOtherBoots(this.serverNode.id, this.serverNode.bootId);
  }

  /**
   * Registers a connection, here and in the directory. False: the node has as many as it may have. One whose key was
   * revoked since it was judged is closed.
   */
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
    if (this.ends.isRevoked(connection)) this.end(connection, CLOSE.revoked, '');
    return true;
  }

  /** Undoes `open`, also one that answered false or failed: its registration may be there all the same. */
  async closed(connection: LiveConnection): Promise<void> {
    this.forget(connection);
    await this.unregister(connection.nodeId, connection.connectionId);
  }

  /** Takes only the registration back; for one that `closed` could not, because the store was away. May be repeated. */
  unregister(nodeId: string, connectionId: string): Promise<void> {
    return this.directory.unregister(nodeId, connectionId);
  }

  /**
   * Ends the connections of a node, or one, wherever they are: those of this process at once, others within seconds.
   * Answers how many the directory lists. What opens later is not meant.
   */
  async disconnect(whom: { nodeId: string } | { connectionId: string }, reason = ''): Promise<number> {
    const rows = 'nodeId' in whom ? await this.rowsOf(whom.nodeId) : await this.rowOf(whom.connectionId);
    const here = rows.flatMap((row) => this.hereOf(row.nodeId, [row.connectionId]));
    const elsewhere = rows.filter(({ bootId }) => bootId !== this.serverNode.bootId);
    for (const connection of here) this.end(connection, CLOSE.disconnected, reason);
    await this.tellOthers(elsewhere, reason);
    return here.length + elsewhere.length;
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

  private async rowsOf(nodeId: string): Promise<ConnectionRow[]> {
    return (await this.directory.of([nodeId])).flat();
  }

  private async rowOf(connectionId: string): Promise<ConnectionRow[]> {
    return [(await this.directory.find(connectionId)) ?? []].flat();
  }

  private hereOf(nodeId: string, connectionIds: readonly string[]): LiveConnection[] {
    return [...this.here(nodeId)].filter(({ connectionId }) => connectionIds.includes(connectionId));
  }

  private async tellOthers(rows: readonly ConnectionRow[], reason: string): Promise<void> {
    const [first] = rows;
    if (!first) return;
    const connectionIds = rows.map(({ connectionId }) => connectionId);
    const until = this.clock.now() + ORDER_MS;
    await this.ends.give({ kind: 'connections', nodeId: first.nodeId, connectionIds, reason, until });
  }

  private obey(order: EndOrder): void {
    if (order.kind === 'keys') return this.endKeys(order);
    for (const connection of this.hereOf(order.nodeId, order.connectionIds)) {
      this.end(connection, CLOSE.disconnected, order.reason);
    }
  }

  private endKeys(order: Extract<EndOrder, { kind: 'keys' }>): void {
    const asked = order.by === 'node' ? [this.here(order.id)] : this.live.values();
    const meant = [...asked].flatMap((siblings) => [...siblings].filter((connection) => endsKey(order, connection)));
    for (const connection of meant) this.end(connection, CLOSE.revoked, order.reason);
  }

  /** From now on it is nobody's: it counts no longer, and nothing is sent to it. */
  private end(connection: LiveConnection, code: CloseCode, reason: string): void {
    this.forget(connection);
    connection.close(code, reason);
  }

  private forget(connection: LiveConnection): void {
    const siblings = this.live.get(connection.nodeId);
    if (!siblings?.delete(connection)) return;
    if (siblings.size === 0) this.live.delete(connection.nodeId);
    this.count -= 1;
    this.hooks.disconnected(connection);
  }
}
