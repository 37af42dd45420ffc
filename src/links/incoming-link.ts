import { Logger } from '@nestjs/common';
import type { WebSocket } from 'ws';
import { MAX_HOPS, type PeerFrame } from '../modules/routing/index.js';
import { CLOSE_MS } from './dial.js';
import type { PeerFigures } from './link-figures.js';
import { Liveness } from './liveness.js';
import type { LinkSurroundings } from './outgoing-link.js';
import { readBatch, LinkFault } from './read-batch.js';

export interface IncomingOwner {
  received(frame: PeerFrame): void;
  /** Once. */
  closed(): void;
}

const GOING_AWAY = 1001;
const MALFORMED = 1007;

/** What one peer sends here. It asks for signs of life, so that its silence is noticed without asking. */
export class IncomingLink {
  private readonly logger = new Logger(IncomingLink.name);
  private readonly liveness: Liveness;
  private url: string | undefined;
  private ended = false;

  constructor(
    private readonly socket: WebSocket,
    private readonly peer: string,
    private readonly around: LinkSurroundings,
    private readonly owner: IncomingOwner,
  ) {
    this.liveness = new Liveness(around.clock, around.settings, { dead: () => this.dead() });
    socket.on('message', (data: Buffer, isBinary) => this.take(data, isBinary));
    socket.on('ping', () => this.liveness.heard());
    // What is too big or no websocket frame ends here.
    socket.on('error', (error) => this.malformed(error.message));
    socket.once('close', () => this.closed());
  }

  /** At once; nothing of what still comes counts. */
  end(): void {
    this.socket.terminate();
    this.closed();
  }

  async close(): Promise<void> {
    const limit = this.around.clock.after(CLOSE_MS, () => this.socket.terminate());
    const gone = new Promise<void>((resolve) => void this.socket.once('close', () => resolve()));
    this.socket.close(GOING_AWAY);
    await gone;
    limit.cancel();
  }

  /** A peer that has just come may not be known here yet. */
  private get figures(): PeerFigures {
    this.url ??= this.around.addresses.find(this.peer)?.internalUrl;
    return this.around.figures.of(this.url);
  }

  private take(data: Buffer, isBinary: boolean): void {
    if (this.ended) return;
    this.liveness.heard();
    if (isBinary) return this.malformed('a binary message');
    const { figures } = this;
    figures.bytesReceived += data.length;
    try {
      const { frames, unknown } = readBatch(data.toString());
      figures.dropped('unknown_kind', unknown);
      figures.framesReceived += frames.length;
      for (const frame of frames) this.hand(frame, figures);
    } catch (error) {
      if (!(error instanceof LinkFault)) throw error;
      this.malformed(error.message);
    }
  }

  private hand(frame: PeerFrame, figures: PeerFigures): void {
    if (frame.kind === 'frame' && frame.hops > MAX_HOPS) figures.dropped('hops');
    else this.owner.received(frame);
  }

  private malformed(detail: string): void {
    if (this.ended) return;
    this.around.figures.fault('malformed');
    this.logger.warn(`the link of ${this.url ?? 'a server node'} was ended: ${detail}`);
    this.socket.close(MALFORMED);
    this.closed();
  }

  private dead(): void {
    this.around.figures.fault('dead');
    this.end();
  }

  private closed(): void {
    if (this.ended) return;
    this.ended = true;
    this.liveness.stop();
    this.owner.closed();
  }
}
