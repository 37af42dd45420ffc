import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { Clock, SystemClock } from './common/clock.js';
import { Heap, V8Heap } from './common/heap.js';
import { type HeapLimits, HeapUse } from './common/heap-use.js';
import { Lifecycle } from './common/lifecycle.js';
import { LoopLag, type LoopLagLimits } from './common/loop-lag.js';
import { Metrics } from './common/metrics.js';
import { Overload } from './common/overload.js';
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
  abstract readonly heapUse: HeapLimits;
  /** Default: that of V8. */
  readonly heap?: Heap;
}

/** What every part may ask for: time, the process's own life, figures. */
@Module({})
export class PlatformModule implements OnApplicationShutdown {
  constructor(
    @Inject(StallGuard) private readonly guard: StallGuard,
    @Inject(LoopLag) private readonly lag: LoopLag,
    @Inject(HeapUse) private readonly heap: HeapUse,
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
    this.heap.stop();
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
    {
      provide: Heap,
      useFactory: ({ heap }: PlatformOptions) => heap ?? new V8Heap(),
      inject: [PlatformOptions],
    },
    {
      provide: HeapUse,
      useFactory: (clock: Clock, { heapUse }: PlatformOptions, heap: Heap) => new HeapUse(clock, heapUse, heap),
      inject: [Clock, PlatformOptions, Heap],
    },
    {
      provide: Overload,
      useFactory: (lag: LoopLag, heap: HeapUse) => new Overload(lag, heap),
      inject: [LoopLag, HeapUse],
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
