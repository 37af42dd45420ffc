import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock, type Timer } from '../../common/clock.js';
import { Metrics } from '../../common/metrics.js';
import { StoreHealth } from '../../modules/inbox/index.js';
import { Drain } from './drain.js';
import { NativeSettings } from './native.settings.js';

const LOOK_MS = 500;

/**
 * A server node that lost its store can keep no promise to those who are connected, and another one may be able to: they
 * are sent away, each once for each loss.
 */
@Injectable()
export class StoreLoss implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(StoreLoss.name);
  private isLost = false;
  private looking: Timer | undefined;

  constructor(
    private readonly store: StoreHealth,
    private readonly drain: Drain,
    private readonly settings: NativeSettings,
    private readonly metrics: Metrics,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.looking = this.clock.every(LOOK_MS, () => this.look());
  }

  onApplicationShutdown(): void {
    this.looking?.cancel();
  }

  private look(): void {
    const wasLost = this.isLost;
    this.isLost = this.store.silentMs() >= this.settings.storeLostMs;
    if (this.isLost === wasLost) return;
    if (this.isLost) this.sendAway();
    else this.logger.log('the store is back: connections are taken again');
  }

  private sendAway(): void {
    this.metrics.hit('store_lost');
    this.logger.warn(`the store has not answered for ${this.settings.storeLostMs} ms: closing all connections`);
    void this.drain.closeAll();
  }
}
