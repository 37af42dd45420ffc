import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { Metrics } from '../common/metrics.js';
import { MAX_HOPS, PeerLinks, type PeerFrame, type PeerListener } from '../modules/routing/index.js';
import { LinkAcceptor } from './link-acceptor.js';
import { LinkFigures } from './link-figures.js';
import { LinkTokens } from './link-tokens.js';
import { LinksSettings } from './links.settings.js';
import { OutgoingLink, type LinkSurroundings } from './outgoing-link.js';
import { PeerAddresses } from './peer-addresses.js';

/** So long a server node waits, when it starts, for those that were there: as long as it takes them to look again. */
const INTRODUCTION_MS = 3_000;

/**
 * Links over websockets: one for each direction, opened by the side that sends. So nobody has to decide which of two
 * links that were opened at once stays, and each side alone knows when to open its own again.
 */
@Injectable()
export class WebsocketPeerLinks extends PeerLinks {
  readonly acceptor: LinkAcceptor;
  private readonly around: LinkSurroundings;
  private readonly links = new Map<string, OutgoingLink>();
  private listener: PeerListener | undefined;
  private closed = false;

  constructor(
    private readonly addresses: PeerAddresses,
    settings: LinksSettings,
    clock: Clock,
    metrics: Metrics,
  ) {
    super();
    const tokens = new LinkTokens(settings.secret.reveal());
    this.around = { addresses, settings, tokens, clock, figures: new LinkFigures(metrics) };
    this.acceptor = new LinkAcceptor(this.around, {
      received: (peer, frame) => this.received(peer, frame),
      changed: (peer, state) => this.changed(peer, state),
    });
    addresses.onAppeared((peer, isOlder) => this.appeared(peer, isOlder));
  }

  listen(listener: PeerListener): void {
    if (this.listener) throw new Error('Somebody listens to the links already');
    this.listener = listener;
  }

  send(serverNodeId: string, frame: PeerFrame): boolean {
    const link = this.closed ? undefined : (this.links.get(serverNodeId) ?? this.begin(serverNodeId));
    if (!link) {
      this.around.figures.of(undefined).dropped('unknown');
      return false;
    }
    if (frame.kind !== 'frame' || frame.hops <= MAX_HOPS) return link.send(frame);
    this.around.figures.of(this.addresses.find(serverNodeId)?.internalUrl).dropped('hops');
    return false;
  }

  /**
   * Resolves when those that were there before this process know of it: from then on they tell it of messages for its
   * nodes. Who does not answer in a moment learns it from the registry.
   */
  async introduced(): Promise<void> {
    const tried = Promise.all([...this.links.values()].map((link) => link.tried));
    await Promise.race([tried, this.around.clock.pause(INTRODUCTION_MS)]);
  }

  /** What waits is sent first. From now on nothing is taken. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.links.values()].map((link) => link.close()));
    this.links.clear();
    await this.acceptor.close();
  }

  private begin(serverNodeId: string): OutgoingLink | undefined {
    const { self } = this.addresses;
    if (!self || self.serverNodeId === serverNodeId) return undefined;
    const address = this.addresses.find(serverNodeId);
    if (!address) return undefined;
    const link = new OutgoingLink(serverNodeId, address, this.around, {
      changed: (peer, state) => this.changed(peer, state),
      ended: (peer) => void this.links.delete(peer),
    });
    this.links.set(serverNodeId, link);
    return link;
  }

  /** Who was there before tells this server node of nothing until it knows it: it looks who that is when it is called. */
  private appeared(serverNodeId: string, isOlder: boolean): void {
    const link = this.closed ? undefined : this.links.get(serverNodeId);
    (link ?? (isOlder ? this.begin(serverNodeId) : undefined))?.open();
  }

  private received(peer: string, frame: PeerFrame): void {
    if (this.listener) this.listener.received(peer, frame);
    else this.around.figures.of(this.addresses.find(peer)?.internalUrl).dropped('unheard');
  }

  private changed(peer: string, state: 'up' | 'down'): void {
    this.listener?.changed(peer, state);
  }
}
