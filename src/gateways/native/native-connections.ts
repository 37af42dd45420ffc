import { getHeapStatistics } from 'node:v8';
import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { LoopLag } from '../../common/loop-lag.js';
import { Metrics } from '../../common/metrics.js';
import { StallGuard } from '../../common/stall-guard.js';
import { CLOSE } from '../../protocol/index.js';
import { RoutingService } from '../../modules/routing/index.js';
import type { ConnectionParts } from './connection-parts.js';
import { FlushTurn } from './flush-turn.js';
import { type Admitted, NativeConnection, type NativeSocket } from './native-connection.js';
import { NativeSettings } from './native.settings.js';
import { OutboundBudget } from './outbound-budget.js';

const KNOWN_CODES: ReadonlySet<number> = new Set<number>([...Object.values(CLOSE), 1001, 1002, 1005, 1006, 1008]);

/** The native connections of this process, from the 101 to the end of their socket. */
@Injectable()
export class NativeConnections {
  private readonly live = new Set<NativeConnection>();
  private readonly parts: ConnectionParts;
  private readonly budget: OutboundBudget;
  private whenEmpty: Array<() => void> = [];

  constructor(
    routing: RoutingService,
    settings: NativeSettings,
    clock: Clock,
    guard: StallGuard,
    lag: LoopLag,
    private readonly metrics: Metrics,
  ) {
    const { heap_size_limit: heapLimit } = getHeapStatistics();
    this.budget = new OutboundBudget(heapLimit * settings.outboundTotalFraction);
    const shared = { clock, guard, settings, metrics, turn: new FlushTurn(), budget: this.budget, lag };
    this.parts = { ...shared, failStop: (exhausted) => routing.failStop(exhausted) };
    metrics.observe('allspark_outbound_bytes', 'Bytes waiting for all connections', () => this.budget.bytes);
    metrics.observe('allspark_unanswered_frames', 'Frames that have no answer yet', () => this.unanswered());
  }

  get size(): number {
    return this.live.size;
  }

  add(socket: NativeSocket, admitted: Admitted): NativeConnection {
    const connection = new NativeConnection(socket, admitted, this.parts);
    socket.connection = connection;
    this.live.add(connection);
    return connection;
  }

  remove(connection: NativeConnection, peerCode: number): void {
    const code = connection.ended(peerCode);
    this.metrics.closes.inc({ code: KNOWN_CODES.has(code) ? code : 'other' });
    this.live.delete(connection);
    if (this.live.size > 0) return;
    for (const call of this.whenEmpty.splice(0)) call();
  }

  all(): NativeConnection[] {
    return [...this.live];
  }

  /** Resolves as soon as there is no connection. */
  async empty(): Promise<void> {
    if (this.live.size > 0) await new Promise<void>((resolve) => void this.whenEmpty.push(resolve));
  }

  private unanswered(): number {
    let sum = 0;
    for (const connection of this.live) sum += connection.unanswered;
    return sum;
  }
}
