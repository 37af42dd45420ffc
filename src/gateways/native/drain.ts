import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { Lifecycle } from '../../common/lifecycle.js';
import { StallGuard } from '../../common/stall-guard.js';
import { CLOSE } from '../../protocol/index.js';
import { Moves } from './moves.js';
import type { NativeConnection } from './native-connection.js';
import { NativeConnections } from './native-connections.js';
import { NativeSettings } from './native.settings.js';

/** A few connections need not be spread over the whole time: one each so many ms is slow enough. */
const MOST_MS_PER_CLOSE = 20;
/** Those who are told to move within so many ms share their writes to the store; so many at once it surely takes. */
const MOVES_TURN_MS = 100;
const MOST_A_TURN = 256;
/** Enough for somebody far away to find the other server node, agree on TLS and be greeted. */
const MOST_WITHIN_MS = 5_000;
/** Of the time behind the last move, the part that is for following it; the rest is for the closes. */
const WITHIN_PART = 3 / 4;
/** What is kept of the whole time for the end of the process after the last connection. */
const RESERVE_MS = 1_000;

/** Times of one leave, ms; the last two are monotonic. */
interface Plan {
  readonly spanMs: number;
  readonly withinMs: number;
  /** Who has not gone by then is closed. */
  readonly closeBy: number;
  /** Goes down when nobody of a turn could be told. */
  moves: boolean;
}

/** Sends everybody away in good order: to another server node where there is one, otherwise to come back later. */
@Injectable()
export class Drain implements BeforeApplicationShutdown {
  private readonly logger = new Logger(Drain.name);
  private running: Promise<void> | undefined;

  constructor(
    private readonly connections: NativeConnections,
    private readonly moves: Moves,
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
    if (drainReadinessMs > 0) await this.clock.pause(drainReadinessMs);
    const leftMs = Math.max(0, end - this.clock.monotonic());
    await Promise.race([this.leave(leftMs).then(() => this.connections.empty()), this.clock.pause(leftMs)]);
    for (const connection of this.connections.all()) connection.terminate();
  }

  /** Closes every connection with 1012, spread over time. */
  async closeAll(): Promise<void> {
    const leaving = this.connections.all();
    await this.inTurns(leaving, this.spanOf(leaving), 0, (some) => closeThem(some));
  }

  private async leave(leftMs: number): Promise<void> {
    const moves = await this.inTime(this.moves.arePossible(), leftMs / 4, false);
    this.logger.log(`${moves ? 'moving' : 'closing'} ${this.connections.size} connections`);
    if (!moves) return this.closeAll();
    const leaving = this.connections.all();
    const spanMs = Math.min(this.spanOf(leaving), leftMs / 2);
    const followMs = (leftMs - spanMs) * WITHIN_PART;
    const closeBy = this.clock.monotonic() + spanMs + followMs;
    const plan = { spanMs, withinMs: Math.min(MOST_WITHIN_MS, followMs), closeBy, moves };
    await this.inTurns(leaving, spanMs, MOVES_TURN_MS, (some) => this.moveThem(some, plan));
  }

  /** Who cannot be told where to go, in time, is closed at once; who was told and has not gone, a while later. */
  private async moveThem(some: readonly NativeConnection[], plan: Plan): Promise<void> {
    const now = this.clock.monotonic();
    const until = Math.min(now + plan.withinMs, plan.closeBy);
    if (until - now < plan.withinMs / 2) plan.moves = false;
    const patienceMs = (until - now) / 2;
    const left = plan.moves ? await this.inTime(this.moves.tell(some, until), patienceMs, some) : some;
    if (left.length === some.length) plan.moves = false;
    closeThem(left);
    if (plan.moves) this.clock.after(until - this.clock.monotonic(), () => closeThem(some));
  }

  /** Spread evenly over the time, those who are due within `turnMs` together. */
  private async inTurns(
    leaving: readonly NativeConnection[],
    spanMs: number,
    turnMs: number,
    part: (some: readonly NativeConnection[]) => void | Promise<void>,
  ): Promise<void> {
    const { length } = leaving;
    const begin = this.clock.monotonic();
    for (let done = 0; done < length;) {
      const passed = this.clock.monotonic() - begin + turnMs;
      const due = spanMs > 0 ? Math.ceil((length * passed) / spanMs) : length;
      const next = Math.min(Math.max(due, done + 1), done + MOST_A_TURN);
      await part(leaving.slice(done, next));
      done = next;
      const waitMs = begin + (spanMs * done) / length - this.clock.monotonic();
      if (done < length && waitMs > 0) await this.clock.pause(waitMs);
    }
  }

  private spanOf({ length }: readonly NativeConnection[]): number {
    return Math.min(this.settings.drainSpreadMs, length * MOST_MS_PER_CLOSE);
  }

  private async inTime<T>(promise: Promise<T>, ms: number, otherwise: T): Promise<T> {
    return Promise.race([promise, this.clock.pause(ms).then(() => otherwise)]);
  }
}

function closeThem(connections: readonly NativeConnection[]): void {
  for (const connection of connections) connection.close(CLOSE.restart);
}
