import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Clock, type Timer } from '../../common/clock.js';
import { HttpSettings } from './http.settings.js';

const BEAT_MS = 20;
const WINDOW_MS = 1_000;

/**
 * Watches the event loop: a process that is late for long takes nobody new. Of the 50 beats of a second the latest counts,
 * which is their 99th percentile. The histogram of node.js is of no use here: it loses the first beat after a reading,
 * and with it everything when each turn of the loop takes longer than a second.
 */
@Injectable()
export class LoopLag implements OnModuleInit, OnModuleDestroy {
  private beating: Timer | undefined;
  private lastBeat = 0;
  private windowStart = 0;
  private worstMs = 0;
  private lagMs = 0;
  private lateSince: number | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly settings: HttpSettings,
  ) {}

  onModuleInit(): void {
    this.lastBeat = this.windowStart = this.clock.monotonic();
    this.beating = this.clock.every(BEAT_MS, () => this.beat());
  }

  onModuleDestroy(): void {
    this.beating?.cancel();
  }

  /** Of the last whole second, ms. */
  get currentMs(): number {
    return this.lagMs;
  }

  /** Whether it has been above the limit for longer than is tolerated. */
  get tooLate(): boolean {
    return this.lateSince !== undefined && this.clock.monotonic() - this.lateSince >= this.settings.loopLagForMs;
  }

  private beat(): void {
    const now = this.clock.monotonic();
    this.worstMs = Math.max(this.worstMs, now - this.lastBeat - BEAT_MS);
    this.lastBeat = now;
    if (now - this.windowStart >= WINDOW_MS) this.judge(now);
  }

  private judge(now: number): void {
    this.lagMs = this.worstMs;
    if (this.lagMs <= this.settings.loopLagMs) this.lateSince = undefined;
    else this.lateSince ??= this.windowStart;
    this.windowStart = now;
    this.worstMs = 0;
  }
}
