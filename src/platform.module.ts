import { Global, Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { Clock, SystemClock } from './common/clock.js';
import { Lifecycle } from './common/lifecycle.js';
import { LoopLag, type LoopLagLimits } from './common/loop-lag.js';
import { Metrics } from './common/metrics.js';
import { StallGuard } from './common/stall-guard.js';

/** A tail is forgotten after a standstill of the process this long, connections are closed after one that long. */
const STALL_MS = 5_000;
const LONG_STALL_MS = 30_000;

export interface PlatformOptions {
  readonly clock?: Clock;
  readonly loopLag: LoopLagLimits;
}

/** What every part may ask for: time, the process's own life, figures. */
@Global()
@Module({})
export class PlatformModule implements OnApplicationShutdown {
  constructor(
    @Inject(StallGuard) private readonly guard: StallGuard,
    @Inject(LoopLag) private readonly lag: LoopLag,
  ) {}

  static forRoot({ clock = new SystemClock(), loopLag }: PlatformOptions): DynamicModule {
    const shared = [
      { provide: Clock, useValue: clock },
      { provide: StallGuard, useFactory: () => new StallGuard(clock, STALL_MS, LONG_STALL_MS) },
      { provide: LoopLag, useFactory: () => new LoopLag(clock, loopLag) },
      { provide: Lifecycle, useFactory: () => new Lifecycle() },
      { provide: Metrics, useFactory: () => new Metrics() },
    ];
    return { module: PlatformModule, providers: shared, exports: [Clock, StallGuard, LoopLag, Lifecycle, Metrics] };
  }

  onApplicationShutdown(): void {
    this.guard.stop();
    this.lag.stop();
  }
}
