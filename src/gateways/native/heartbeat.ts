import type { Clock, Timer } from '../../common/clock.js';

export interface HeartbeatSettings {
  readonly pingIntervalMs: number;
  readonly pingJitterFraction: number;
  readonly pongTimeoutMs: number;
}

export interface HeartbeatPeer {
  ping(): void;
  /** Whether a missing answer may be our own fault: what happened since `at` (monotonic) counts. */
  excused(at: number): boolean;
  /** It does not answer. */
  lost(): void;
}

/** Asks a peer now and then whether it is there. Whatever it sends is an answer. */
export class Heartbeat {
  private timer: Timer | undefined;
  private answered = true;

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
  }

  stop(): void {
    this.timer?.cancel();
  }

  private rest(): void {
    const { pingIntervalMs, pingJitterFraction } = this.settings;
    const wait = pingIntervalMs * (1 + (Math.random() * 2 - 1) * pingJitterFraction);
    this.timer = this.clock.after(wait, () => this.ask());
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
    else this.peer.lost();
  }
}
