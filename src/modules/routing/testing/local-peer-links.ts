import { MAX_HOPS, PeerLinks, type PeerFrame, type PeerListener } from '../peer-links.js';

/** What really travels: a copy, and of a row only what is promised. */
function asSent(frame: PeerFrame): PeerFrame {
  switch (frame.kind) {
    case 'rows': {
      const rows = frame.rows.map(({ log, n, at, key, totals: { count, bytes }, report, body }) => {
        return { log, n, at, key, totals: { count, bytes }, report, body };
      });
      return { kind: 'rows', rows };
    }
    case 'notices':
      return { kind: 'notices', notices: frame.notices.map(({ nodeId, n }) => ({ nodeId, n })) };
    default:
      return { ...frame, nodeIds: [...frame.nodeIds] };
  }
}

/**
 * Server nodes of one test, linked without sockets. Tests may cut any two of them off from each other, let one leave, or
 * lose single frames.
 */
export class LocalNetwork {
  /** True: this frame gets lost on its way, and nobody is told. */
  lose: (from: string, to: string, frame: PeerFrame) => boolean = () => false;
  private readonly members = new Map<string, LocalPeerLinks>();
  private readonly cuts = new Set<string>();

  join(serverNodeId: string): LocalPeerLinks {
    if (this.members.has(serverNodeId)) throw new Error(`${serverNodeId} is here already`);
    const links = new LocalPeerLinks(serverNodeId, this);
    this.members.set(serverNodeId, links);
    return links;
  }

  /** As a process that dies: nobody knows it any more, and it hears of nothing. */
  leave(serverNodeId: string): void {
    const leaving = this.members.get(serverNodeId);
    this.members.delete(serverNodeId);
    leaving?.stop();
    for (const other of this.members.values()) other.lost(serverNodeId);
  }

  cut(a: string, b: string): void {
    this.cuts.add(pairOf(a, b));
    this.members.get(a)?.lost(b);
    this.members.get(b)?.lost(a);
  }

  heal(a: string, b: string): void {
    this.cuts.delete(pairOf(a, b));
    this.members.get(a)?.regained(b);
    this.members.get(b)?.regained(a);
  }

  /** Whether or not there is a way to it. */
  member(serverNodeId: string): LocalPeerLinks | undefined {
    return this.members.get(serverNodeId);
  }

  /** The peer, if it can be reached. */
  reach(from: string, to: string): LocalPeerLinks | undefined {
    return from === to || this.cuts.has(pairOf(from, to)) ? undefined : this.members.get(to);
  }
}

function pairOf(a: string, b: string): string {
  return [a, b].sort().join(' ');
}

/** One server node's end of a `LocalNetwork`. What is sent in one turn of the event loop arrives in the next. */
export class LocalPeerLinks extends PeerLinks {
  private listener: PeerListener | undefined;
  private stopped = false;
  /** What happens at the end of this turn. */
  private outgoing: Array<() => void> = [];
  private readonly open = new Set<string>();
  private readonly interrupted = new Set<string>();

  constructor(
    readonly serverNodeId: string,
    private readonly network: LocalNetwork,
  ) {
    super();
  }

  listen(listener: PeerListener): void {
    if (this.listener) throw new Error('Somebody listens already');
    this.listener = listener;
  }

  send(to: string, frame: PeerFrame): boolean {
    if (this.stopped || !this.network.reach(this.serverNodeId, to)) return false;
    if (frame.kind === 'frame' && frame.hops > MAX_HOPS) return false;
    if (!this.open.has(to)) this.opened(to);
    const sent = asSent(frame);
    this.later(() => this.deliver(to, sent));
    return true;
  }

  /** The network's: there is no way to that peer any more. */
  lost(peer: string): void {
    if (!this.open.delete(peer)) return;
    this.interrupted.add(peer);
    this.tellBoth(peer, 'down');
  }

  /** The network's: there is a way again. A link that was in use is opened at once. */
  regained(peer: string): void {
    if (this.interrupted.delete(peer)) this.opened(peer);
  }

  stop(): void {
    this.stopped = true;
    this.open.clear();
  }

  private opened(peer: string): void {
    this.open.add(peer);
    this.tellBoth(peer, 'up');
  }

  /** The way of a notice is the process itself, so it comes although the link is gone. */
  private tellBoth(peer: string, state: 'up' | 'down'): void {
    const other = this.network.member(peer);
    this.later(() => {
      this.told(peer, state);
      other?.told(this.serverNodeId, state);
    });
  }

  private told(peer: string, state: 'up' | 'down'): void {
    if (!this.stopped) this.listener?.changed(peer, state);
  }

  private deliver(to: string, frame: PeerFrame): void {
    if (!this.open.has(to) || this.network.lose(this.serverNodeId, to, frame)) return;
    const peer = this.network.reach(this.serverNodeId, to);
    if (peer && !peer.stopped) peer.listener?.received(this.serverNodeId, frame);
  }

  private later(call: () => void): void {
    if (this.outgoing.push(call) > 1) return;
    setImmediate(() => {
      const due = this.outgoing;
      this.outgoing = [];
      for (const each of due) each();
    });
  }
}
