import Denque from 'denque';
import type { Clock, Timer } from '../../common/clock.js';
import type { LimitName } from '../../common/limit-names.js';
import type { MessageRate } from './message-rate.js';

/** One text frame of a peer. It is open until `InboundQueue.answered` is called with it. */
export interface InboundFrame {
  readonly text: string;
  readonly bytes: number;
  /** Above the rate: its answer is a refusal. */
  excess: boolean;
}

/** What is stopped when too much is open. */
export interface Pausable {
  pause(): void;
  resume(): void;
}

export interface InboundOwner {
  /** Handles one frame up to where order no longer depends on it; the next one waits for that. Never rejects. */
  handle(frame: InboundFrame): void | Promise<unknown>;
  /** Far too fast for too long. */
  abusive(): void;
  /** Reading stops, because so much is unanswered. */
  limited(limit: LimitName): void;
}

export interface InboundLimits {
  readonly inboundFrames: number;
  readonly inboundBytes: number;
}

/** `opening`: not set up yet. `outbound`: it does not take its answers. */
export type Hold = 'opening' | 'outbound';

/**
 * The frames of one connection, handled one after the other. Too many unanswered ones, or too fast ones, and the socket
 * is not read; what one chunk of it brings beyond that waits here, and nothing is dropped.
 */
export class InboundQueue {
  private readonly waiting = new Denque<InboundFrame>();
  private readonly holds = new Set<Hold>();
  private handedOut = 0;
  private openBytes = 0;
  private busy = false;
  private pumping = false;
  private paused = false;
  private stopped = false;
  private limitless = false;
  private rateTimer: Timer | undefined;
  private resumedAt = -Infinity;

  constructor(
    private readonly socket: Pausable,
    private readonly owner: InboundOwner,
    private readonly limits: InboundLimits,
    private readonly clock: Clock,
    private readonly rate?: MessageRate,
  ) {}

  /** Frames that have no answer yet, the waiting ones included. */
  get open(): number {
    return this.handedOut + this.waiting.length;
  }

  /** Whether the socket was not read at some time after `at` (monotonic). */
  pausedSince(at: number): boolean {
    return this.paused || this.resumedAt >= at;
  }

  push(text: string, bytes: number): void {
    if (this.stopped) return;
    this.openBytes += bytes;
    this.waiting.push({ text, bytes, excess: false });
    this.pump();
  }

  /** The frame's answer is on its way out, or it needs none. */
  answered({ bytes }: InboundFrame): void {
    this.handedOut -= 1;
    this.openBytes -= bytes;
    this.pump();
  }

  /** What a frame is worth is known once it is decoded. */
  spend(messages: number): void {
    this.rate?.spend(messages);
  }

  hold(why: Hold): void {
    this.holds.add(why);
    this.steer();
  }

  release(why: Hold): void {
    this.holds.delete(why);
    this.pump();
  }

  /** The peer closed in good order: what it sent before is handled still, whatever the limits. */
  finish(): void {
    this.limitless = true;
    this.rateTimer?.cancel();
    this.holds.delete('outbound');
    this.pump();
  }

  /** Handles nothing more and reads on, so that the peer's end is noticed. */
  stop(): void {
    this.stopped = true;
    this.rateTimer?.cancel();
    this.waiting.clear();
    this.steer();
  }

  private pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    while (this.mayHandle()) {
      const frame = this.waiting.peekFront() as InboundFrame;
      if (!this.passesRate(frame)) break;
      this.waiting.shift();
      this.handOut(frame);
    }
    this.pumping = false;
    this.steer();
  }

  private mayHandle(): boolean {
    if (this.stopped || this.busy || this.waiting.isEmpty() || this.holds.size > 0) return false;
    return this.limitless || this.handedOut < this.limits.inboundFrames;
  }

  private handOut(frame: InboundFrame): void {
    this.handedOut += 1;
    const handling = this.owner.handle(frame);
    if (!handling) return;
    this.busy = true;
    void handling.then(() => {
      this.busy = false;
      this.pump();
    });
  }

  private passesRate(frame: InboundFrame): boolean {
    if (!this.rate || this.limitless) return true;
    const verdict = this.rate.judge();
    if (verdict === 'wait') this.waitForRate(this.rate.wait);
    if (verdict === 'abuse') this.owner.abusive();
    frame.excess = verdict === 'refuse';
    return verdict === 'pass' || verdict === 'refuse';
  }

  private waitForRate(ms: number): void {
    this.rateTimer ??= this.clock.after(ms, () => {
      this.rateTimer = undefined;
      this.pump();
    });
  }

  /** Stops reading at the limit and goes on at half of it, so that it does not flap. */
  private steer(): void {
    if (this.paused && this.mayRead(0.5)) {
      this.paused = false;
      this.resumedAt = this.clock.monotonic();
      this.socket.resume();
    } else if (!this.paused && !this.mayRead(1)) {
      this.paused = true;
      this.tellLimit();
      this.socket.pause();
    }
  }

  private tellLimit(): void {
    if (this.open >= this.limits.inboundFrames) this.owner.limited('inbound_frames');
    if (this.openBytes >= this.limits.inboundBytes) this.owner.limited('inbound_bytes');
  }

  private mayRead(part: number): boolean {
    if (this.stopped || this.limitless) return true;
    if (this.holds.has('outbound') || this.rateTimer) return false;
    const { inboundFrames, inboundBytes } = this.limits;
    return this.open < inboundFrames * part && this.openBytes < inboundBytes * part;
  }
}
