import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { Lifecycle } from '../../common/lifecycle.js';
import { StallGuard } from '../../common/stall-guard.js';
import { CLOSE } from '../../protocol/index.js';
import { NativeConnections } from './native-connections.js';
import { NativeSettings } from './native.settings.js';

/** A few connections need not be spread over the whole time: one each so many ms is slow enough. */
const MOST_MS_PER_CLOSE = 20;
/** What is kept of the whole time for the end of the process after the last connection. */
const RESERVE_MS = 1_000;

/** Sends everybody away in good order: there is no other server node to move to, so they are told to come back. */
@Injectable()
export class Drain implements BeforeApplicationShutdown {
  private readonly logger = new Logger(Drain.name);
  private running: Promise<void> | undefined;

  constructor(
    private readonly connections: NativeConnections,
    private readonly lifecycle: Lifecycle,
    private readonly settings: NativeSettings,
    private readonly clock: Clock,
    guard: StallGuard,
  ) {
    // After a long standstill nothing that was believed of these connections holds.
    guard.onLongStall(() => this.connections.all().forEach((connection) => connection.close(CLOSE.restart)));
    lifecycle.drainsBy(() => this.run());
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.run();
  }

  /** Resolves when no connection is left, at the latest in time for the whole shutdown. Asked again, it is the same one. */
  run(): Promise<void> {
    this.running ??= this.sendAway();
    return this.running;
  }

  private async sendAway(): Promise<void> {
    const { drainReadinessMs, drainTotalMs } = this.settings;
    const end = this.clock.monotonic() + drainTotalMs - RESERVE_MS;
    const wasReady = this.lifecycle.phase === 'ready';
    this.lifecycle.beginDrain();
    // Nobody was let in. Waiting here would end a process that nothing keeps alive before it says why it cannot start.
    if (!wasReady) return;
    if (drainReadinessMs > 0) await this.pause(drainReadinessMs);
    this.logger.log(`closing ${this.connections.size} connections`);
    await Promise.race([
      this.closeAll().then(() => this.connections.empty()),
      this.pause(end - this.clock.monotonic()),
    ]);
    for (const connection of this.connections.all()) connection.terminate();
  }

  /** Closes every connection with 1012, spread over time. */
  async closeAll(): Promise<void> {
    const leaving = this.connections.all();
    const span = Math.min(this.settings.drainSpreadMs, leaving.length * MOST_MS_PER_CLOSE);
    const begin = this.clock.monotonic();
    for (const [index, connection] of leaving.entries()) {
      const due = begin + (span * index) / leaving.length;
      if (due > this.clock.monotonic()) await this.pause(due - this.clock.monotonic());
      connection.close(CLOSE.restart);
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.after(Math.max(0, ms), resolve));
  }
}
