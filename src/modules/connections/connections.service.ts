import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { CLOSE, type CloseCode } from '../../protocol/index.js';
import { type ConnectionsEnd, type EndOrder, endsKey, ForcedEnds } from '../auth/index.js';
import { ServerNode, ServerNodesView } from '../nodes/index.js';
import { ConnectionHooks } from './connections.hooks.js';
import { ConnectionsSettings } from './connections.settings.js';
import { Directory, type ConnectionRow } from './directory.js';
import type { LiveConnection } from './connections.types.js';

const NOBODY: ReadonlySet<LiveConnection> = new Set();
const NO_LIMIT = Number.MAX_SAFE_INTEGER;
/** An order about connections is read by every server node that can read the store, or its connections are gone. */
const ORDER_MS = 600_000;

/** `bootId`: of the run that opened it. */
type Registered = Pick<ConnectionRow, 'since' | 'moving' | 'bootId'>;
type Whom = { nodeId: string } | { connectionId: string };

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
    private readonly ends: ForcedEnds,
    private readonly clock: Clock,
    private readonly hooks: ConnectionHooks,
  ) {
    serverNode.addLoad(() => ({ connections: this.size }));
    ends.onOrder((order) => this.obey(order));
  }

  /**
   * Registers a connection, here and in the directory. False: the node has as many as it may have. One whose key was
   * revoked since it was judged is closed.
   */
  async open(connection: LiveConnection): Promise<boolean> {
    const { bootId } = this.serverNode;
    const registration = { since: this.clock.now(), bootId };
    if (!(await this.register(connection, registration, this.settings.perNode))) return false;
    const siblings = this.live.get(connection.nodeId);
    if (siblings) siblings.add(connection);
    else this.live.set(connection.nodeId, new Set([connection]));
    this.registered.set(connection, registration);
    this.hooks.connected(connection);
    if (this.ends.isRevoked(connection)) this.end(connection, CLOSE.revoked, '');
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
    this.forget(connection);
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

  /**
   * Ends the connections of a node, or one, wherever they are: those of this process at once, others within seconds.
   * Answers how many the directory lists of live runs; those of a run that is taken for dead, or has lapsed, end too as
   * soon as it hears of it. What opens later is not meant.
   */
  async disconnect(whom: Whom, reason = ''): Promise<number> {
    const rows = 'nodeId' in whom ? await this.rowsOf(whom.nodeId) : await this.rowOf(whom.connectionId);
    await this.view.learn(rows.map(({ bootId }) => bootId));
    // As this process has them: when its place has lapsed, the directory lists them late.
    const here = 'nodeId' in whom ? [...this.here(whom.nodeId)] : [...this.all()].filter(isNamed(whom));
    const elsewhere = rows.filter((row) => row.bootId !== this.serverNode.bootId && !here.some(isNamed(row)));
    for (const connection of here) this.end(connection, CLOSE.disconnected, reason);
    await this.tellOthers(whom, elsewhere, reason);
    return here.length + elsewhere.filter(({ bootId }) => this.view.isLive(bootId)).length;
  }

  /** The connections of a node that this process holds. */
  here(nodeId: string): ReadonlySet<LiveConnection> {
    return this.live.get(nodeId) ?? NOBODY;
  }

  /** Whether this process holds one of a node that was not told to move: it may not be looked for elsewhere. */
  stays(nodeId: string): boolean {
    return [...this.here(nodeId)].some((connection) => !this.registered.get(connection)?.moving);
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
    return this.directory.register({ ...registration, nodeId, connectionId, serverNodeId, bootId }, limit);
  }

  private async rowsOf(nodeId: string): Promise<ConnectionRow[]> {
    return (await this.directory.of([nodeId])).flat();
  }

  private async rowOf(connectionId: string): Promise<ConnectionRow[]> {
    return [(await this.directory.find(connectionId)) ?? []].flat();
  }

  private async tellOthers(whom: Whom, rows: readonly ConnectionRow[], reason: string): Promise<void> {
    const nodeId = 'nodeId' in whom ? whom.nodeId : rows[0]?.nodeId;
    if (nodeId === undefined) return;
    const connectionIds = rows.map(({ connectionId }) => connectionId);
    // Read behind the directory: a run whose rows were gone from that has no place any more.
    const runs = 'nodeId' in whom ? await this.view.runs() : undefined;
    await this.ends.give({ kind: 'connections', nodeId, connectionIds, ...(runs && { runs }), reason }, ORDER_MS);
  }

  private obey(order: EndOrder): void {
    if (order.kind === 'keys') return this.endKeys(order);
    for (const connection of this.here(order.nodeId)) {
      if (this.isNamedIn(order, connection)) this.end(connection, CLOSE.disconnected, order.reason);
    }
  }

  private isNamedIn({ connectionIds, runs }: ConnectionsEnd, connection: LiveConnection): boolean {
    if (connectionIds.includes(connection.connectionId)) return true;
    const bootId = this.registered.get(connection)?.bootId;
    return runs !== undefined && bootId !== undefined && !runs.includes(bootId);
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
    this.registered.delete(connection);
    this.hooks.disconnected(connection);
  }
}

const isNamed =
  (whom: { connectionId: string }) =>
  ({ connectionId }: LiveConnection): boolean =>
    connectionId === whom.connectionId;
