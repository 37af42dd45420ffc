import type { Clock, Timer } from '../../common/clock.js';
import type { FlushTurn } from './flush-turn.js';
import { framedBytes, writeTextFrame } from './frame-encoding.js';
import type { OutboundBudget, Weighed } from './outbound-budget.js';

export interface OutboundLimits {
  readonly outboundPauseBytes: number;
  readonly outboundCloseBytes: number;
  readonly outboundStuckMs: number;
}

/** The part of a socket that the queue needs. `done` is called when the bytes have left this process. */
export interface ByteSink {
  readonly writableLength: number;
  write(bytes: Buffer, done: () => void): unknown;
}

export interface OutboundOwner {
  /** Whether frames may still be written: nothing may follow a close frame. */
  isOpen(): boolean;
  /** Above the pause limit, and below it again. */
  full(): void;
  fullNoMore(): void;
  /** What can wait elsewhere may come here again. */
  roomAgain(): void;
  /** So many bytes were handed to the socket. */
  wrote(bytes: number): void;
  /** The peer does not take what it is sent. */
  tooSlow(): void;
}

/** One write is so big at most, unless one frame is: what is waiting here can still be given up, what is written not. */
const PIECE_BYTES = 64 * 1024;

/**
 * Frames on their way to one peer. What a turn of the event loop brings leaves in one write. While a write is under way
 * the rest stays here, so that the numbers of waiting bytes are true.
 */
export class OutboundQueue implements Weighed {
  private frames: string[] = [];
  private payloadBytes: number[] = [];
  private queued = 0;
  private inFlight = 0;
  private held = true;
  private scheduled = false;
  private isFull = false;
  private ended = false;
  private stuck: Timer | undefined;
  private readonly written = (): void => this.afterWrite();

  constructor(
    private readonly sink: ByteSink,
    private readonly owner: OutboundOwner,
    private readonly limits: OutboundLimits,
    private readonly shared: { readonly turn: FlushTurn; readonly budget: OutboundBudget; readonly clock: Clock },
  ) {
    shared.budget.add(this);
  }

  /** Bytes that have not left this process. */
  get bytes(): number {
    return this.queued + this.inFlight;
  }

  get isEnding(): boolean {
    return !this.owner.isOpen();
  }

  /**
   * How many bytes more may come of what can as well wait in the store: as much as the next write takes. A thousand slow
   * peers would hold a quarter of a gigabyte if each were given all that it may be owed. 0 until half of it is free, so
   * that nobody reads a page for every message.
   */
  get room(): number {
    const most = Math.min(PIECE_BYTES, this.limits.outboundPauseBytes);
    return this.bytes <= most / 2 ? most - this.bytes : 0;
  }

  /** Lets frames out; `first` goes before all that gathered until now. */
  open(first: string): void {
    this.held = false;
    this.put(first, true);
  }

  push(frame: string): void {
    this.put(frame, false);
  }

  /** At the end of a turn. */
  flush(): void {
    this.scheduled = false;
    if (this.frames.length === 0 || this.inFlight > 0) return;
    if (this.owner.isOpen()) this.writePiece(PIECE_BYTES);
    else this.discard();
  }

  /** Writes all that is left, for a close frame follows. Before hello nothing is written. */
  finish(): void {
    if (this.held || !this.owner.isOpen()) this.discard();
    else if (this.frames.length > 0) this.writePiece(Infinity);
  }

  /** Forgets what is not written yet; answers how many frames that were. */
  discard(): number {
    const count = this.frames.length;
    this.shared.budget.changed(-this.queued);
    this.frames = [];
    this.payloadBytes = [];
    this.queued = 0;
    return count;
  }

  giveUp(): void {
    this.owner.tooSlow();
  }

  /** The socket is gone. */
  end(): void {
    this.ended = true;
    this.discard();
    this.shared.budget.changed(-this.inFlight);
    this.inFlight = 0;
    this.stuck?.cancel();
    this.shared.budget.remove(this);
  }

  private put(frame: string, first: boolean): void {
    if (this.ended) return;
    const bytes = Buffer.byteLength(frame);
    const wire = framedBytes(bytes);
    if (first) {
      this.frames.unshift(frame);
      this.payloadBytes.unshift(bytes);
    } else {
      this.frames.push(frame);
      this.payloadBytes.push(bytes);
    }
    this.queued += wire;
    this.shared.budget.changed(wire);
    this.watchBounds();
    this.schedule();
  }

  private watchBounds(): void {
    const { outboundCloseBytes, outboundPauseBytes } = this.limits;
    if (this.bytes > outboundCloseBytes) return this.owner.tooSlow();
    if (this.isFull || this.bytes <= outboundPauseBytes) return;
    this.isFull = true;
    this.owner.full();
  }

  private schedule(): void {
    if (this.scheduled || this.held || this.inFlight > 0 || this.frames.length === 0) return;
    this.scheduled = true;
    this.shared.turn.add(this);
  }

  private writePiece(limit: number): void {
    let count = 0;
    let bytes = 0;
    for (; count < this.frames.length; count += 1) {
      const next = framedBytes(this.payloadBytes[count] as number);
      if (count > 0 && bytes + next > limit) break;
      bytes += next;
    }
    const piece = this.encode(count, bytes);
    this.queued -= bytes;
    this.inFlight += bytes;
    this.owner.wrote(bytes);
    this.sink.write(piece, this.written);
    if (this.sink.writableLength > 0) this.watchProgress();
  }

  private encode(count: number, bytes: number): Buffer {
    const piece = Buffer.allocUnsafe(bytes);
    let at = 0;
    for (let index = 0; index < count; index += 1) {
      at = writeTextFrame(piece, at, this.frames[index] as string, this.payloadBytes[index] as number);
    }
    this.frames.splice(0, count);
    this.payloadBytes.splice(0, count);
    return piece;
  }

  private watchProgress(): void {
    this.stuck ??= this.shared.clock.after(this.limits.outboundStuckMs, () => this.owner.tooSlow());
  }

  private afterWrite(): void {
    if (this.ended) return;
    this.shared.budget.changed(-this.inFlight);
    this.inFlight = 0;
    this.stuck?.cancel();
    this.stuck = undefined;
    if (this.frames.length > 0) this.flush();
    if (this.isFull && this.bytes <= this.limits.outboundPauseBytes) {
      this.isFull = false;
      this.owner.fullNoMore();
    }
    if (this.room > 0) this.owner.roomAgain();
  }
}
