import type { Clock } from '../../common/clock.js';
import type { Metrics } from '../../common/metrics.js';
import { isReceipt } from '../../protocol/index.js';
import type { ConnectionsService, LiveConnection } from '../connections/index.js';
import { type InboxHooks, type InboxService, nodeOfInboxLog } from '../inbox/index.js';
import type { ServerNode, ServerNodesView } from '../nodes/index.js';
import type { Sender } from './routing.types.js';
import {
  type HintedRow,
  MAX_HOPS,
  type Notice,
  type PeerFrame,
  type PeerLinks,
  type PeerListener,
} from './peer-links.js';
import { type Held, Whereabouts } from './whereabouts.js';

/** How long (ms) it is believed where a node is: so long its second connection, elsewhere, may wait for its poll. */
const TRUST_MS = 2_000;

/**
 * What this process and the others tell each other. Nothing durable depends on it: rows are told of after they were
 * committed, and a reader that nobody told of them finds them by its poll.
 */
export class PeerRouting implements PeerListener {
  private readonly whereabouts: Whereabouts;

  constructor(
    private readonly peers: PeerLinks,
    private readonly view: Pick<ServerNodesView, 'others' | 'onDied'>,
    private readonly self: Pick<ServerNode, 'id'>,
    private readonly connections: Pick<ConnectionsService, 'here' | 'stays' | 'everywhere'>,
    private readonly inbox: Pick<InboxService, 'onAppended' | 'offer' | 'notice' | 'lookAtTails'>,
    private readonly deliveries: Pick<InboxHooks, 'delivered'>,
    clock: Clock,
    private readonly metrics: Pick<Metrics, 'drops'>,
  ) {
    this.whereabouts = new Whereabouts(connections, clock, TRUST_MS, (nodeId, at) => this.hasLeft(nodeId, at));
    peers.listen(this);
    inbox.onAppended((rows) => this.hint(rows));
    view.onDied(({ serverNodeId }) => this.whereabouts.forgetServerNode(serverNodeId));
  }

  /** Hands a frame to every connection of the nodes, wherever it is, but to the sender's own one. */
  deliver(nodeIds: readonly string[], frame: string, sender?: Sender): void {
    this.deliverHere(nodeIds, frame, sender);
    if (this.view.others) this.whereabouts.locate(nodeIds, (held) => this.sendElsewhere(held, frame, 0), frame.length);
  }

  /** As `deliver` to one node; tells whether anybody is connected, as far as can be known now. */
  reach(nodeId: string, frame: string, sender: Sender, tell: (isConnected: boolean) => void): void {
    const isHere = this.deliverHere([nodeId], frame, sender).length === 0;
    if (!this.view.others) return tell(isHere);
    const sendOn = (held: Held | undefined): void => {
      this.sendElsewhere(held, frame, 0);
      tell(isHere || (held?.size ?? 0) > 0);
    };
    this.whereabouts.locate([nodeId], sendOn, frame.length);
  }

  /** Tells whether another server node is believed to hold connections of a node. */
  isElsewhere(nodeId: string, tell: (isElsewhere: boolean) => void): void {
    if (!this.view.others) return tell(false);
    this.whereabouts.locate([nodeId], (held) => tell(this.elsewhere(held).length > 0));
  }

  received(from: string, frame: PeerFrame): void {
    switch (frame.kind) {
      case 'rows':
        return this.take(from, frame.rows);
      case 'notices':
        for (const { nodeId, n } of frame.notices) this.inbox.notice(nodeId, n);
        return;
      case 'frame':
        return this.hear(from, frame);
      case 'moved':
        return this.whereabouts.forget(frame.nodeIds);
    }
  }

  changed(serverNodeId: string, state: 'up' | 'down'): void {
    if (state === 'down') this.whereabouts.forgetServerNode(serverNodeId);
    // What the peer knew while there was no link to here, or before it knew of this run, was told to nobody.
    else void this.inbox.lookAtTails();
  }

  /** Tells those who hold readers of the rows. Who cannot be told may be elsewhere by now. */
  private hint(rows: readonly HintedRow[]): void {
    if (!this.view.others) return;
    const byNode = groupByNode(rows);
    const sendOn = (held: Held | undefined): void => {
      for (const [serverNodeId, nodeIds] of this.elsewhere(held)) {
        const told = nodeIds.flatMap((nodeId) => byNode.get(nodeId) ?? []);
        if (!this.peers.send(serverNodeId, { kind: 'rows', rows: told })) this.seek(told, serverNodeId);
      }
    };
    const bytes = rows.reduce((sum, { body }) => sum + body.length, 0);
    this.whereabouts.locate([...byNode.keys()], sendOn, bytes);
  }

  /** A reader that was sent elsewhere may listen there already, and no longer here. */
  private take(from: string, rows: readonly HintedRow[]): void {
    const unread = new Set(this.inbox.offer(rows));
    const strangers = rows.filter((row) => unread.has(row) || !this.connections.stays(nodeOfInboxLog(row.log)));
    if (strangers.length === 0) return;
    this.tellMoved(from, [...new Set(strangers.map(({ log }) => nodeOfInboxLog(log)))]);
    this.seek(strangers, from);
  }

  /** Rows whose readers are not where they were believed to be: a fresh look-up finds them, and they read the store. */
  private seek(rows: readonly HintedRow[], notAt: string): void {
    const highest = new Map<string, number>();
    for (const { log, n } of rows) highest.set(nodeOfInboxLog(log), n);
    this.whereabouts.lookUp([...highest.keys()], (held) => {
      for (const [serverNodeId, nodeIds] of this.elsewhere(held, notAt)) {
        const notices = nodeIds.map((nodeId): Notice => ({ nodeId, n: highest.get(nodeId)! }));
        this.peers.send(serverNodeId, { kind: 'notices', notices });
      }
      for (const nodeId of held?.get(this.self.id) ?? []) this.inbox.notice(nodeId, highest.get(nodeId)!);
    });
  }

  /**
   * A message ends here: handed on it could be overtaken by a later one of its sender that goes straight. A receipt has
   * no order to keep.
   */
  private hear(from: string, { nodeIds, frame, hops }: Extract<PeerFrame, { kind: 'frame' }>): void {
    const strangers = this.deliverHere(nodeIds, frame);
    this.tellMoved(
      from,
      nodeIds.filter((nodeId) => !this.connections.stays(nodeId)),
    );
    if (strangers.length === 0 || hops >= MAX_HOPS) return;
    if (isReceipt(frame)) this.handOn(from, strangers, frame, hops);
    else this.metrics.drops.inc({ reason: 'moved' });
  }

  private handOn(from: string, strangers: readonly string[], frame: string, hops: number): void {
    const sendOn = (held: Held | undefined): void => {
      this.sendElsewhere(held, frame, hops + 1, from);
      this.deliverHere(held?.get(this.self.id) ?? [], frame);
    };
    this.whereabouts.lookUp(strangers, sendOn, frame.length);
  }

  private hasLeft(nodeId: string, serverNodeIds: readonly string[]): boolean {
    return serverNodeIds.includes(this.self.id) && !this.connections.stays(nodeId);
  }

  private tellMoved(to: string, nodeIds: readonly string[]): void {
    if (nodeIds.length > 0) this.peers.send(to, { kind: 'moved', nodeIds });
  }

  private sendElsewhere(held: Held | undefined, frame: string, hops: number, notAt?: string): void {
    if (!held) this.metrics.drops.inc({ reason: 'place_unknown' });
    for (const [serverNodeId, nodeIds] of this.elsewhere(held, notAt)) {
      this.peers.send(serverNodeId, { kind: 'frame', nodeIds, frame, hops });
    }
  }

  private elsewhere(held: Held | undefined, notAt?: string): Array<[string, readonly string[]]> {
    return [...(held ?? [])].filter(([serverNodeId]) => serverNodeId !== this.self.id && serverNodeId !== notAt);
  }

  /** Answers the nodes of which no connection is here. */
  private deliverHere(nodeIds: readonly string[], frame: string, sender?: Sender): string[] {
    return nodeIds.filter((nodeId) => {
      const here = this.connections.here(nodeId);
      for (const connection of here) if (connection !== sender?.connection) this.hand(connection, frame);
      return here.size === 0;
    });
  }

  private hand(connection: LiveConnection, frame: string): void {
    connection.send(frame);
    if (!isReceipt(frame)) this.deliveries.delivered(connection.nodeId, frame);
  }
}

function groupByNode(rows: readonly HintedRow[]): Map<string, HintedRow[]> {
  const byNode = new Map<string, HintedRow[]>();
  for (const row of rows) {
    const nodeId = nodeOfInboxLog(row.log);
    const present = byNode.get(nodeId);
    if (present) present.push(row);
    else byNode.set(nodeId, [row]);
  }
  return byNode;
}
