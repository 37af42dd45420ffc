import type { Timer } from '../../common/clock.js';
import { sortableId } from '../../common/ids.js';
import type { LimitName } from '../../common/limit-names.js';
import { CLOSE, type CloseCode, closeReason } from '../../protocol/index.js';
import type { Identity } from '../../modules/auth/index.js';
import type { LiveConnection } from '../../modules/connections/index.js';
import type { InboxReader, ReaderSink, ResumeRequest } from '../../modules/inbox/index.js';
import type { Sender } from '../../modules/routing/index.js';
import { comeBackAfter } from './come-back.js';
import type { ConnectionParts } from './connection-parts.js';
import type { EdgeSocket } from './edge-socket.js';
import { Heartbeat } from './heartbeat.js';
import { type InboundFrame, InboundQueue } from './inbound-queue.js';
import { MessageRate } from './message-rate.js';
import { OutboundQueue } from './outbound-queue.js';

/** Who was let in, and what it wants to resume. */
export interface Admitted {
  readonly identity: Identity;
  readonly resume?: ResumeRequest;
  /** It came by the host whose usual port leads here: it may reach no other. */
  readonly byProxy?: boolean;
}

export type NativeSocket = EdgeSocket & { connection?: NativeConnection };

const SECOND_MS = 1_000;

/** One websocket of a node: its queues, its timers, its end. */
export class NativeConnection implements LiveConnection, ReaderSink {
  readonly connectionId = sortableId();
  readonly nodeId: string;
  readonly clientId: string | null;
  readonly kid: string | null;
  readonly issuedAt: number;
  readonly sender: Sender;
  reader: InboxReader | undefined;
  private readonly outbound: OutboundQueue;
  private readonly inbound: InboundQueue;
  private readonly heartbeat: Heartbeat;
  private readonly expiry: Timer;
  private closedWith: CloseCode | undefined;

  constructor(
    private readonly socket: EdgeSocket,
    readonly admitted: Admitted,
    private readonly parts: ConnectionParts,
  ) {
    const { clock, settings } = parts;
    const { nodeId, clientId, role, kid, issuedAt } = admitted.identity;
    const trusted = role !== 'node';
    this.nodeId = nodeId;
    this.clientId = clientId;
    this.kid = kid;
    this.issuedAt = issuedAt;
    this.outbound = new OutboundQueue(socket.raw, this.outboundOwner(), settings, parts);
    const rated = !trusted && settings.ratePerSecond < Number.MAX_SAFE_INTEGER;
    const rate = rated ? new MessageRate(clock, settings) : undefined;
    this.inbound = new InboundQueue(socket, this.inboundOwner(), settings, clock, rate);
    this.inbound.hold('opening');
    this.heartbeat = new Heartbeat(clock, settings, this.heartbeatPeer());
    this.expiry = clock.after(this.lifetime(), () => this.close(CLOSE.keyExpired));
    const failStop = parts.failStop(() => this.close(CLOSE.failedNotResent));
    this.sender = { nodeId, clientId, trusted, failStop, connection: this };
    this.listen();
  }

  get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  get room(): number {
    return this.isOpen ? this.outbound.room : 0;
  }

  /** Sends hello and lets everything else out and in behind it. */
  greet(hello: string): void {
    this.outbound.open(hello);
    this.letIn();
  }

  /** Handles what came and what comes. Also of a peer that closed before its hello: it may have sent and gone at once. */
  letIn(): void {
    this.inbound.release('opening');
  }

  send(frame: string): void {
    if (!this.isOpen) return this.parts.metrics.drops.inc({ reason: 'closing' });
    this.parts.metrics.deliveries.inc();
    this.outbound.push(frame);
  }

  limited(limit: LimitName): void {
    this.parts.metrics.hit(limit);
  }

  /** Ends a frame, with the answer to it where it has one. */
  answer(frame: InboundFrame, text?: string): void {
    if (text !== undefined && this.isOpen) this.outbound.push(text);
    this.inbound.answered(frame);
  }

  /** What a frame is worth in messages, against the rate. */
  spend(messages: number): void {
    this.inbound.spend(messages);
  }

  close(code: CloseCode, reason?: string): void {
    if (this.closedWith !== undefined || !this.isOpen) return;
    this.closedWith = code;
    this.inbound.stop();
    // What a slow peer did not take it gets when it comes back; the frames would only stand before the code.
    if (code === CLOSE.slowReader) this.parts.metrics.drops.inc({ reason: 'slow' }, this.outbound.discard());
    else if (code === CLOSE.revoked) this.outbound.discard();
    else this.outbound.finish();
    this.socket.close(code, closeReason(code, comeBackAfter(code), reason));
    if (code === CLOSE.noPong) this.socket.terminate();
  }

  /** Ends the socket without waiting for the peer. */
  terminate(): void {
    this.socket.terminate();
  }

  /** The socket is gone: lets go of everything. The code that counts is the one of this side, if it sent any. */
  ended(peerCode: number): number {
    this.heartbeat.stop();
    this.expiry.cancel();
    if (this.closedWith === undefined) this.inbound.finish();
    this.outbound.end();
    this.sender.failStop.stop();
    return this.socket.sentCode ?? peerCode;
  }

  /** Frames that have no answer yet. */
  get unanswered(): number {
    return this.inbound.open;
  }

  private listen(): void {
    this.socket.on('message', (data: Buffer, isBinary: boolean) => {
      // A frame may be older than a standstill of this process, after which its sender no longer counts on it.
      this.parts.guard.stalls();
      this.heartbeat.heard();
      if (isBinary) this.close(CLOSE.unsupportedData);
      else this.inbound.push(data.toString('utf8'), data.length);
    });
    this.socket.on('ping', () => this.heartbeat.heard());
    this.socket.on('pong', () => this.heartbeat.heard());
    // The websocket itself answers a violation with its close code; there is nothing more to do about it.
    this.socket.on('error', () => {});
  }

  private lifetime(): number {
    const { clock, settings } = this.parts;
    const end = this.admitted.identity.expiresAt * SECOND_MS + settings.clockLeewayMs;
    return Math.max(0, end - clock.now());
  }

  private outboundOwner(): ConstructorParameters<typeof OutboundQueue>[1] {
    return {
      isOpen: () => this.isOpen,
      full: () => {
        this.limited('outbound_pause');
        this.inbound.hold('outbound');
      },
      fullNoMore: () => this.inbound.release('outbound'),
      roomAgain: () => this.reader?.pump(),
      wrote: (bytes) => this.heartbeat.told(bytes),
      tooSlow: () => this.close(CLOSE.slowReader),
    };
  }

  private inboundOwner(): ConstructorParameters<typeof InboundQueue>[1] {
    return {
      handle: (frame) => this.socket.onFrame?.(frame),
      abusive: () => this.close(CLOSE.abuse),
      limited: (limit) => this.limited(limit),
    };
  }

  private heartbeatPeer(): ConstructorParameters<typeof Heartbeat>[2] {
    return {
      ping: () => this.socket.ping(),
      excused: (at) => this.inbound.pausedSince(at) || this.parts.lag.since(at),
      lost: (owing) => this.close(owing ? CLOSE.slowReader : CLOSE.noPong),
    };
  }
}
