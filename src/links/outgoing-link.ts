import { Logger } from '@nestjs/common';
import type { WebSocket } from 'ws';
import type { Clock, Timer } from '../common/clock.js';
import type { PeerFrame } from '../modules/routing/index.js';
import { CLOSE_MS, Dial } from './dial.js';
import type { FaultReason, LinkFigures, PeerFigures } from './link-figures.js';
import { LinkQueue, type LinkSink } from './link-queue.js';
import type { LinkTerms, LinkTokens } from './link-tokens.js';
import type { LinksSettings } from './links.settings.js';
import { Liveness } from './liveness.js';
import type { PeerAddress, PeerAddresses } from './peer-addresses.js';
import { OWN_VERSIONS } from './versions.js';

export interface LinkSurroundings {
  readonly addresses: PeerAddresses;
  readonly settings: LinksSettings;
  readonly tokens: LinkTokens;
  readonly clock: Clock;
  readonly figures: LinkFigures;
}

export interface LinkOwner {
  changed(peer: string, state: 'up' | 'down'): void;
  /** The peer left, and the link with it. */
  ended(peer: string): void;
}

const GOING_AWAY = 1001;

/**
 * The way to one peer. `idle`: nothing is wanted, or the last try was long enough ago for another. `waiting`: between two
 * tries. What is sent before the first try ended waits for it; after a failed one nothing is taken until one succeeds.
 */
export class OutgoingLink {
  private readonly logger = new Logger(OutgoingLink.name);
  private readonly figures: PeerFigures;
  private readonly queue: LinkQueue;
  private state: 'idle' | 'dialling' | 'open' | 'waiting' | 'ended' = 'idle';
  private unreachable = false;
  /** It was open once, so that it is opened again without being asked. */
  private inUse = false;
  /** Something was sent since the last try. */
  private wanted = false;
  private failures = 0;
  private target: PeerAddress;
  /** The boot id of this process that the peer was told. */
  private openedAs: string | undefined;
  private wasTried: () => void = () => {};
  /** Resolves when it was opened for the first time, or could not be. */
  readonly tried = new Promise<void>((resolve) => void (this.wasTried = resolve));
  private dial: Dial | undefined;
  private socket: WebSocket | undefined;
  private liveness: Liveness | undefined;
  private retry: Timer | undefined;

  constructor(
    private readonly peer: string,
    address: PeerAddress,
    private readonly around: LinkSurroundings,
    private readonly owner: LinkOwner,
  ) {
    this.target = address;
    this.figures = around.figures.use(address.internalUrl);
    this.queue = new LinkQueue(around.settings.waitingBytes, this.figures);
    this.figures.waiting = () => this.queue.bytes;
  }

  /** The peer is there, and does not know this run yet: tries at once, also when there is nothing to send. */
  open(): void {
    const isOfEarlierRun = this.openedAs !== this.around.addresses.self?.bootId;
    if (this.state === 'open' && isOfEarlierRun) this.socket?.close(GOING_AWAY);
    if (this.state !== 'idle' && this.state !== 'waiting') return;
    this.retry?.cancel();
    this.unreachable = false;
    this.begin();
  }

  send(frame: PeerFrame): boolean {
    if (this.unreachable || this.state === 'ended') {
      this.wanted = true;
      this.figures.dropped('unreachable');
      return false;
    }
    if (this.state === 'idle') this.begin();
    return this.queue.push(frame);
  }

  /** Sends what waits, says goodbye, and resolves when the socket is gone. */
  async close(): Promise<void> {
    const { socket } = this;
    if (this.state !== 'open' || !socket) return this.end();
    this.queue.finish();
    const limit = this.around.clock.after(CLOSE_MS, () => socket.terminate());
    const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()));
    socket.close(GOING_AWAY);
    await closed;
    limit.cancel();
    this.end();
  }

  private begin(): void {
    const address = this.around.addresses.find(this.peer);
    const { self } = this.around.addresses;
    if (!address || !self) return this.leave();
    this.target = address;
    this.openedAs = self.bootId;
    this.state = 'dialling';
    this.wanted = false;
    const { tokens, settings, clock } = this.around;
    const claims = tokens.claims(self, { serverNodeId: this.peer, bootId: address.bootId }, OWN_VERSIONS);
    const request = { url: address.internalUrl, ca: settings.ca, claims };
    // An address that is none throws at once; the link fails of it as of any other.
    try {
      this.dial = new Dial(request, tokens, clock, {
        opened: (socket, terms) => this.opened(socket, terms),
        failed: (reason, detail) => this.failed(reason, detail),
      });
    } catch (error) {
      setImmediate(() => this.failed('refused', String(error)));
    }
  }

  private opened(socket: WebSocket, terms: LinkTerms): void {
    if (this.inUse) this.figures.reconnects += 1;
    this.state = 'open';
    this.inUse = true;
    this.unreachable = false;
    this.wasTried();
    this.socket = socket;
    this.watch(socket);
    this.owner.changed(this.peer, 'up');
    this.queue.open(sinkOf(socket, terms.maxBytes));
  }

  private watch(socket: WebSocket): void {
    const { clock, settings, figures } = this.around;
    let asked = 0;
    const liveness = new Liveness(clock, settings, {
      ping: () => {
        if (!this.isStillThere()) return;
        asked = clock.monotonic();
        socket.ping();
      },
      dead: () => this.dead(socket),
    });
    socket.on('pong', () => {
      this.failures = 0;
      liveness.heard();
      figures.roundTrip(this.figures, clock.monotonic() - asked);
    });
    // Of a later version, which this one does not understand.
    socket.on('message', () => this.figures.dropped('unknown_kind'));
    socket.once('close', () => this.lost(socket));
    this.liveness = liveness;
  }

  /** The registry decides who is in the cluster; a link to one that left, or to an earlier run, ends. */
  private isStillThere(): boolean {
    const address = this.around.addresses.find(this.peer);
    if (address?.bootId === this.target.bootId && address.internalUrl === this.target.internalUrl) return true;
    this.socket?.close(GOING_AWAY);
    return false;
  }

  private dead(socket: WebSocket): void {
    this.around.figures.fault('dead');
    this.logger.warn(`the link to ${this.target.internalUrl} is silent and was ended`);
    socket.terminate();
  }

  private lost(socket: WebSocket): void {
    if (this.socket !== socket) return;
    this.letGo();
    this.owner.changed(this.peer, 'down');
    if (this.state !== 'ended') this.tryLater();
  }

  private failed(reason: FaultReason, detail: string): void {
    if (this.state === 'ended') return;
    this.around.figures.fault(reason);
    if (!this.unreachable) this.logger.warn(`no link to ${this.target.internalUrl}: ${detail}`);
    const lost = this.queue.lose();
    this.unreachable = true;
    this.wasTried();
    if (lost > 0) this.owner.changed(this.peer, 'down');
    this.tryLater();
    if (reason === 'wrong_server_node') void this.around.addresses.lookAgain().then(() => this.tryAnother());
  }

  private tryLater(): void {
    const { clock, settings, addresses } = this.around;
    if (!addresses.find(this.peer)) return this.leave();
    this.state = 'waiting';
    const longest = Math.min(settings.reconnectMaxMs, settings.reconnectMinMs * 2 ** (this.failures + 1));
    this.failures += 1;
    const wait = settings.reconnectMinMs + Math.random() * (longest - settings.reconnectMinMs);
    this.retry = clock.after(wait, () => {
      this.state = 'idle';
      if (this.inUse || this.wanted) this.begin();
      else this.unreachable = false;
    });
  }

  /** Where another run is than the one that was asked for, there is no reason to wait. */
  private tryAnother(): void {
    const bootId = this.around.addresses.find(this.peer)?.bootId;
    if (bootId !== undefined && bootId !== this.target.bootId) this.open();
  }

  private leave(): void {
    this.end();
    this.around.figures.letGo(this.figures);
    this.owner.ended(this.peer);
  }

  private end(): void {
    this.state = 'ended';
    this.wasTried();
    this.dial?.giveUp();
    this.retry?.cancel();
    this.socket?.terminate();
    this.letGo();
  }

  private letGo(): void {
    this.liveness?.stop();
    this.queue.lose();
    this.socket = undefined;
  }
}

function sinkOf(socket: WebSocket, maxBytes: number): LinkSink {
  return {
    maxBytes,
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    write: (bytes, done) => socket.send(bytes, { binary: false }, done),
  };
}
