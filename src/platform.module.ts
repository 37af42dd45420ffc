import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { Clock, SystemClock } from './common/clock.js';
import { Lifecycle } from './common/lifecycle.js';
import { LoopLag, type LoopLagLimits } from './common/loop-lag.js';
import { Metrics } from './common/metrics.js';
import { StallGuard } from './common/stall-guard.js';
import { UpgradeClaims } from './common/upgrade-claims.js';
import { type AsyncSettings, type Given, importsOf, settingsProvider } from './common/with-settings.js';

/** A tail is forgotten after a standstill of the process this long, connections are closed after one that long. */
const STALL_MS = 5_000;
const LONG_STALL_MS = 30_000;

export abstract class PlatformOptions {
  /** Default: the time of the system. */
  readonly clock?: Clock;
  abstract readonly loopLag: LoopLagLimits;
}

/** What every part may ask for: time, the process's own life, figures. */
@Module({})
export class PlatformModule implements OnApplicationShutdown {
  constructor(
    @Inject(StallGuard) private readonly guard: StallGuard,
    @Inject(LoopLag) private readonly lag: LoopLag,
  ) {}

  static forRoot(options: PlatformOptions): DynamicModule {
    return withOptions({ useValue: options });
  }

  static forRootAsync(options: AsyncSettings<PlatformOptions>): DynamicModule {
    return withOptions(options);
  }

  onApplicationShutdown(): void {
    this.guard.stop();
    this.lag.stop();
  }
}

function withOptions(given: Given<PlatformOptions>): DynamicModule {
  const shared = [
    {
      provide: Clock,
      useFactory: ({ clock }: PlatformOptions) => clock ?? new SystemClock(),
      inject: [PlatformOptions],
    },
    {
      provide: StallGuard,
      useFactory: (clock: Clock) => new StallGuard(clock, STALL_MS, LONG_STALL_MS),
      inject: [Clock],
    },
    {
      provide: LoopLag,
      useFactory: (clock: Clock, { loopLag }: PlatformOptions) => new LoopLag(clock, loopLag),
      inject: [Clock, PlatformOptions],
    },
    { provide: Lifecycle, useFactory: () => new Lifecycle() },
    { provide: Metrics, useFactory: () => new Metrics() },
    { provide: UpgradeClaims, useFactory: () => new UpgradeClaims() },
  ];
  return {
    module: PlatformModule,
    global: true,
    imports: importsOf(given),
    providers: [settingsProvider(PlatformOptions, given), ...shared],
    exports: shared.map(({ provide }) => provide),
  };
}
