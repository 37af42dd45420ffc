import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Logger } from '@nestjs/common';
import { type ServerOptions, WebSocket, WebSocketServer } from 'ws';
import type { PeerFrame } from '../modules/routing/index.js';
import { CLOSE_MS, LINK_PATH, REASON_HEADER } from './dial.js';
import { IncomingLink } from './incoming-link.js';
import type { FaultReason } from './link-figures.js';
import type { LinkClaims, LinkTerms } from './link-tokens.js';
import type { LinkSurroundings } from './outgoing-link.js';
import { commonVersion, OWN_VERSIONS } from './versions.js';

export interface AcceptorOwner {
  received(peer: string, frame: PeerFrame): void;
  changed(peer: string, state: 'up' | 'down'): void;
}

/** What a peer is told that proved itself and is refused all the same. */
const REFUSED = {
  wrong_server_node: 421,
  no_common_version: 426,
  going_away: 503,
} as const;
const BEARER = /^Bearer (\S+)$/;
const MAX_PENDING_PONGS = 16;
/** How long a refused peer may take to read its answer. */
const LINGER_MS = 2_000;

type Decision = { readonly terms: LinkTerms } | { readonly refused: keyof typeof REFUSED };

/**
 * Takes links of other server nodes. Whoever cannot prove at once that it is one is none of its business: the listener
 * answers such a request as it does at any path that does not exist.
 */
export class LinkAcceptor {
  private readonly logger = new Logger(LinkAcceptor.name);
  private readonly server: WebSocketServer;
  /** The newest link of each peer. */
  private readonly links = new Map<string, IncomingLink>();
  private closing = false;

  constructor(
    private readonly around: LinkSurroundings,
    private readonly owner: AcceptorOwner,
  ) {
    const options: ServerOptions & { closeTimeout: number; maxPendingAutoPongs: number } = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: around.settings.waitingBytes,
      closeTimeout: CLOSE_MS,
      maxPendingAutoPongs: MAX_PENDING_PONGS,
    };
    this.server = new WebSocketServer(options);
  }

  /** Whether the upgrade is a link's; then it is answered, now or later. */
  take(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const claims = this.authenticate(request);
    if (!claims) return false;
    const decision = this.decide(claims);
    if ('refused' in decision) this.refuse(socket, decision.refused);
    else this.server.handleUpgrade(request, socket, head, (client) => this.accept(client, claims, decision.terms));
    return true;
  }

  async close(): Promise<void> {
    this.closing = true;
    await Promise.all([...this.links.values()].map((link) => link.close()));
  }

  /** Strangers, and tokens that may have been seen by one, are told nothing. */
  private authenticate(request: IncomingMessage): LinkClaims | undefined {
    if (request.url !== LINK_PATH) return undefined;
    const claims = this.around.tokens.read(BEARER.exec(request.headers.authorization ?? '')?.[1] ?? '');
    if (claims && this.around.tokens.useUp(claims)) return claims;
    this.around.figures.fault(claims ? 'replayed' : 'stranger');
    if (claims) this.logger.warn('a link was refused: its token, or a later one of its run, was used before');
    return undefined;
  }

  private decide({ from, to, versions }: LinkClaims): Decision {
    const { self } = this.around.addresses;
    if (this.closing || !self) return { refused: 'going_away' };
    const isForUs = to.serverNodeId === self.serverNodeId && to.bootId === self.bootId;
    if (!isForUs || from.serverNodeId === self.serverNodeId) return { refused: 'wrong_server_node' };
    const version = commonVersion(versions, OWN_VERSIONS);
    if (version === undefined) return { refused: 'no_common_version' };
    return { terms: { version, maxBytes: this.around.settings.waitingBytes } };
  }

  private refuse(socket: Duplex, reason: FaultReason & keyof typeof REFUSED): void {
    this.around.figures.fault(reason);
    const status = REFUSED[reason];
    const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, `${REASON_HEADER}: ${reason}`, 'content-length: 0'];
    const lingering = this.around.clock.after(LINGER_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.once('close', () => lingering.cancel());
    socket.end(`${[...lines, 'connection: close'].join('\r\n')}\r\n\r\n`);
    socket.resume();
  }

  private accept(client: WebSocket, claims: LinkClaims, terms: LinkTerms): void {
    const { serverNodeId: peer, bootId } = claims.from;
    // Only the newest counts: of the one before the peer knows nothing any more.
    this.links.get(peer)?.end();
    const link = new IncomingLink(client, peer, this.around, {
      received: (frame) => this.owner.received(peer, frame),
      closed: () => {
        if (this.links.get(peer) === link) this.links.delete(peer);
        this.owner.changed(peer, 'down');
      },
    });
    this.links.set(peer, link);
    this.owner.changed(peer, 'up');
    const greet = (): void => client.send(JSON.stringify({ ...terms, proof: this.around.tokens.proof(claims, terms) }));
    // It may be younger than the last look; once greeted it relies on being known here.
    if (this.around.addresses.find(peer)?.bootId === bootId) greet();
    else void this.around.addresses.lookAgain().then(greet);
  }
}
