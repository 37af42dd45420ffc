import { Counter, Gauge, Histogram } from 'prom-client';
import type { Metrics } from '../common/metrics.js';

/**
 * Why a frame went no further. `unknown`: nobody knows the peer; `unreachable`: it cannot be reached now; `full`: too much
 * waits for it; `lost`: it waited when the link ended; `too_big`: the peer takes no such message; `hops`: it was handed on
 * too often; `unknown_kind`: of a later version; `unheard`: it came, and nobody listens.
 */
export type DropReason = 'unknown' | 'unreachable' | 'full' | 'lost' | 'too_big' | 'hops' | 'unknown_kind' | 'unheard';

/** Why a link was not opened, or ended, although the peer is there. */
export type FaultReason =
  | 'refused'
  | 'timeout'
  | 'unproven'
  | 'malformed'
  | 'dead'
  | 'stranger'
  | 'replayed'
  | 'wrong_server_node'
  | 'no_common_version'
  | 'going_away';

/** Counted by hand, for a counter with labels costs more than a frame. */
export class PeerFigures {
  framesSent = 0;
  framesReceived = 0;
  bytesSent = 0;
  bytesReceived = 0;
  reconnects = 0;
  /** Links to the peer; two while a restarted one still has an id of before. */
  links = 0;
  /** Bytes that wait now. */
  waiting: () => number = () => 0;
  readonly drops = new Map<DropReason, number>();

  constructor(readonly peer: string) {}

  dropped(reason: DropReason, frames = 1): void {
    if (frames > 0) this.drops.set(reason, (this.drops.get(reason) ?? 0) + frames);
  }
}

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15];
const NOBODY = 'unknown';

/** What operators see of links, by the address of the peer: there are few. */
export class LinkFigures {
  private readonly peers = new Map<string, PeerFigures>();
  private readonly faults: Counter<'reason'>;
  private readonly roundTrips: Histogram<'peer'>;

  constructor({ registry }: Metrics) {
    const registers = [registry];
    const total = (name: string, help: string, labels: string[], read: (peer: PeerFigures) => Reading[]): void => {
      const labelNames = ['peer', ...labels];
      const counter: Counter = new Counter({
        name,
        help,
        labelNames,
        registers,
        collect: () => this.show(counter, read),
      });
    };
    total('allspark_link_frames_total', 'Frames between server nodes', ['direction'], (peer) => [
      [{ direction: 'sent' }, peer.framesSent],
      [{ direction: 'received' }, peer.framesReceived],
    ]);
    total('allspark_link_bytes_total', 'Bytes of messages between server nodes', ['direction'], (peer) => [
      [{ direction: 'sent' }, peer.bytesSent],
      [{ direction: 'received' }, peer.bytesReceived],
    ]);
    total('allspark_link_drops_total', 'Frames between server nodes that were dropped, by reason', ['reason'], (peer) =>
      [...peer.drops].map(([reason, count]) => [{ reason }, count]),
    );
    total('allspark_link_reconnects_total', 'Links that were opened again', [], (peer) => [[{}, peer.reconnects]]);
    this.watchWaiting(registers);
    const faulty = 'Links that were refused or ended, by reason';
    this.faults = new Counter({ name: 'allspark_link_faults_total', help: faulty, labelNames: ['reason'], registers });
    this.roundTrips = new Histogram({
      name: 'allspark_link_round_trip_seconds',
      help: 'From a ping to its pong on a link',
      labelNames: ['peer'],
      buckets: SECONDS,
      registers,
    });
  }

  /** `url`: where the peer is reached; undefined: nobody knows. */
  of(url: string | undefined): PeerFigures {
    const peer = labelOf(url);
    const present = this.peers.get(peer);
    if (present) return present;
    const figures = new PeerFigures(peer);
    this.peers.set(peer, figures);
    return figures;
  }

  /** As `of`, for a link that lets go of them when it is over. */
  use(url: string): PeerFigures {
    const figures = this.of(url);
    figures.links += 1;
    return figures;
  }

  /** A peer that left is not shown for ever. */
  letGo(figures: PeerFigures): void {
    figures.links -= 1;
    if (figures.links > 0) return;
    this.peers.delete(figures.peer);
    this.roundTrips.remove({ peer: figures.peer });
  }

  fault(reason: FaultReason): void {
    this.faults.inc({ reason });
  }

  roundTrip({ peer }: PeerFigures, ms: number): void {
    this.roundTrips.observe({ peer }, ms / 1_000);
  }

  private show(counter: Counter, read: (peer: PeerFigures) => Reading[]): void {
    counter.reset();
    for (const [peer, figures] of this.peers) {
      for (const [labels, value] of read(figures)) counter.inc({ peer, ...labels }, value);
    }
  }

  private watchWaiting(registers: Metrics['registry'][]): void {
    const gauge: Gauge = new Gauge({
      name: 'allspark_link_waiting_bytes',
      help: 'Bytes that wait for another server node',
      labelNames: ['peer'],
      registers,
      collect: () => {
        gauge.reset();
        for (const [peer, { waiting }] of this.peers) gauge.set({ peer }, waiting());
      },
    });
  }
}

type Reading = [labels: Record<string, string>, value: number];

function labelOf(url: string | undefined): string {
  return url?.replace(/^\w+:\/\//, '') ?? NOBODY;
}
