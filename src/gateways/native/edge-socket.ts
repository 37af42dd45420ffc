import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import type { InboundFrame } from './inbound-queue.js';

/** Handles one frame; what it returns is awaited before the next. */
export type FrameListener = (frame: InboundFrame) => void | Promise<unknown>;

/** A websocket as gateways get it, with what this edge knows of it. */
export class EdgeSocket extends WebSocket {
  /** The socket below: frames that were encoded here are written to it directly. */
  raw!: Duplex;
  /** The gateway's handler of whole frames, where it has one. */
  onFrame?: FrameListener;
  /** Of the close frame that was sent from here, first of all; the library itself sends one at a violation. */
  sentCode?: number;

  override close(code?: number, reason?: string | Buffer): void {
    this.sentCode ??= code;
    super.close(code, reason);
  }
}
