import type { Clock, Timer } from '../../common/clock.js';

export interface HeartbeatSettings {
  readonly pingIntervalMs: number;
  readonly pingJitterFraction: number;
  readonly pongTimeoutMs: number;
  /** So many bytes without a sign that they were taken are asked about early. */
  readonly outboundPauseBytes: number;
}

export interface HeartbeatPeer {
  ping(): void;
  /** Whether a missing answer may be our own fault: what happened since `at` (monotonic) counts. */
  excused(at: number): boolean;
  /** It does not answer. `owing`: much was sent to it that it does not take. */
  lost(owing: boolean): void;
}

/**
 * Asks a peer now and then whether it is there. Whatever it sends is an answer. The kernel takes a lot for a peer that
 * reads nothing; so who was sent much and has said nothing since is asked early, and lost as a slow one.
 */
export class Heartbeat {
  private timer: Timer | undefined;
  private answered = true;
  private owed = 0;
  private askAt = 0;

  constructor(
    private readonly clock: Clock,
    private readonly settings: HeartbeatSettings,
    private readonly peer: HeartbeatPeer,
  ) {
    this.rest();
  }

  /** Something came. */
  heard(): void {
    this.answered = true;
    this.owed = 0;
  }

  /** So many bytes went out. */
  told(bytes: number): void {
    this.owed += bytes;
  }

  stop(): void {
    this.timer?.cancel();
  }

  private get owing(): boolean {
    return this.owed >= this.settings.outboundPauseBytes;
  }

  private rest(): void {
    const { pingIntervalMs, pingJitterFraction } = this.settings;
    const wait = pingIntervalMs * (1 + (Math.random() * 2 - 1) * pingJitterFraction);
    this.askAt = this.clock.monotonic() + wait;
    this.look();
  }

  private look(): void {
    const left = this.askAt - this.clock.monotonic();
    if (left <= 0 || this.owing) return this.ask();
    this.timer = this.clock.after(Math.min(left, this.settings.pongTimeoutMs), () => this.look());
  }

  private ask(): void {
    this.answered = false;
    this.peer.ping();
    this.await();
  }

  private await(): void {
    const asked = this.clock.monotonic();
    this.timer = this.clock.after(this.settings.pongTimeoutMs, () => this.judge(asked));
  }

  private judge(asked: number): void {
    if (this.answered) this.rest();
    else if (this.peer.excused(asked)) this.await();
    else this.peer.lost(this.owing);
  }
}
