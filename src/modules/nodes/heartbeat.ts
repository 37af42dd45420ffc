import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Clock, type Timer } from '../../common/clock.js';
import { Lifecycle } from '../../common/lifecycle.js';
import { LoopLag } from '../../common/loop-lag.js';
import { Overload } from '../../common/overload.js';
import { repeat } from '../../common/repeat.js';
import { ServerNode } from './server-node.js';
import { ServerNodesView } from './server-nodes-view.js';
import { ServerNodesSettings } from './server-nodes.settings.js';

/** The others find out by themselves; the end of the process waits no longer than this to tell them. */
const RELEASE_MS = 500;

/** Tells the others again and again that this server node lives, and looks as often at whether they do. */
@Injectable()
export class Heartbeat implements OnApplicationShutdown {
  private readonly logger = new Logger(Heartbeat.name);
  private timer: Timer | undefined;
  private turning: Promise<void> = Promise.resolve();
  private throughAt: number | undefined;
  private isFailing = false;
  private stopped = false;

  constructor(
    private readonly serverNode: ServerNode,
    private readonly view: ServerNodesView,
    private readonly settings: ServerNodesSettings,
    private readonly clock: Clock,
    lifecycle: Lifecycle,
    lag: LoopLag,
    overload: Overload,
  ) {
    const isClosed = (): boolean => lifecycle.phase !== 'ready' || overload.shortages.length > 0;
    serverNode.addLoad(() => ({ lagMs: lag.currentMs, closed: isClosed() }));
    serverNode.onLost(() => (this.stopped = true));
    lifecycle.onDrain(() => void this.turn());
  }

  /** Begins, once the server node has its place; the first heartbeat has gone out when it resolves. */
  async start(): Promise<void> {
    this.throughAt = this.clock.monotonic();
    await this.turn();
    this.timer = repeat(
      this.clock,
      () => this.settings.heartbeatMs,
      () => this.turn(),
    );
  }

  /** Why the others may take this server node for dead, or `undefined`. */
  problem(): string | undefined {
    const silentMs = this.silentMs;
    if (silentMs < this.settings.staleMs) return undefined;
    return `no heartbeat of this server node got through for ${Math.round(silentMs / 1_000)} s`;
  }

  /** Since the last heartbeat got through, ms; 0 before the start. */
  get silentMs(): number {
    return this.throughAt === undefined ? 0 : this.clock.monotonic() - this.throughAt;
  }

  async onApplicationShutdown(): Promise<void> {
    const wasBeating = this.timer !== undefined && !this.isFailing;
    this.stopped = true;
    this.timer?.cancel();
    const released = this.turning.then(() => this.serverNode.release());
    released.catch(() => undefined);
    if (wasBeating) await Promise.race([released.catch(() => undefined), this.clock.pause(RELEASE_MS)]);
  }

  /** One turn after the other. */
  private turn(): Promise<void> {
    this.turning = this.turning.then(() => this.takeTurn());
    return this.turning;
  }

  private async takeTurn(): Promise<void> {
    if (this.stopped || !this.serverNode.hasPlace) return;
    const beat = this.serverNode.beat();
    beat.then(
      () => this.through(),
      (error: unknown) => this.failed(error),
    );
    await this.view.observe(beat);
  }

  private through(): void {
    this.throughAt = this.clock.monotonic();
    if (this.isFailing) this.logger.log('heartbeats get through again');
    this.isFailing = false;
  }

  private failed(error: unknown): void {
    if (!this.isFailing) this.logger.warn(`the heartbeat did not get through: ${String(error)}`);
    this.isFailing = true;
  }
}
