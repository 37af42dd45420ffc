import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Clock, type Timer } from '../../common/clock.js';
import { HttpSettings } from './http.settings.js';

const RESOLUTION_MS = 20;
const SAMPLE_MS = 1_000;
const NS_PER_MS = 1e6;

/** How late the event loop runs what is due. */
export abstract class DelayMeter {
  /** 99th percentile (ms) since the last reading. */
  abstract readP99Ms(): number;
  abstract stop(): void;
}

export class HistogramDelayMeter extends DelayMeter {
  private readonly histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    super();
    this.histogram.enable();
  }

  readP99Ms(): number {
    // What is recorded is the time between two samples, which is the resolution when nothing is late.
    const p99 = this.histogram.percentile(99) / NS_PER_MS - RESOLUTION_MS;
    this.histogram.reset();
    return Math.max(0, p99);
  }

  stop(): void {
    this.histogram.disable();
  }
}

/** Watches the event loop: a process that is late for long takes nobody new. */
@Injectable()
export class LoopLag implements OnModuleInit, OnModuleDestroy {
  private lagMs = 0;
  private lateSince: number | undefined;
  private sampling: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly settings: HttpSettings,
    private readonly meter: DelayMeter,
  ) {}

  onModuleInit(): void {
    this.sampling = this.clock.every(SAMPLE_MS, () => this.sample());
  }

  onModuleDestroy(): void {
    this.sampling?.cancel();
    this.meter.stop();
  }

  /** The last reading, ms. */
  get currentMs(): number {
    return this.lagMs;
  }

  /** Whether it has been above the limit for longer than is tolerated. */
  get tooLate(): boolean {
    return this.lateSince !== undefined && this.clock.monotonic() - this.lateSince >= this.settings.loopLagForMs;
  }

  private sample(): void {
    this.lagMs = this.meter.readP99Ms();
    if (this.lagMs <= this.settings.loopLagMs) this.lateSince = undefined;
    // A reading tells of the second before it.
    else this.lateSince ??= this.clock.monotonic() - SAMPLE_MS;
  }
}
