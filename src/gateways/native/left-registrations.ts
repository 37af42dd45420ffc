import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Clock, type Timer } from '../../common/clock.js';
import { ConnectionsService, type LiveConnection } from '../../modules/connections/index.js';

/** Entries are two short texts; more than this many gone connections only a long outage of the store leaves. */
const MOST_LEFT = 100_000;
const AT_ONCE = 64;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/**
 * Registrations of connections that are gone and that the store may still hold. Each takes one of the few places of its
 * node, so the store is asked to take them back until it does, or until the process ends: the next run forgets all.
 */
@Injectable()
export class LeftRegistrations implements OnApplicationShutdown {
  private readonly logger = new Logger(LeftRegistrations.name);
  /** Node by connection. */
  private readonly left = new Map<string, string>();
  private waitMs = FIRST_WAIT_MS;
  private timer: Timer | undefined;
  private stopped = false;

  constructor(
    private readonly connections: ConnectionsService,
    private readonly clock: Clock,
  ) {}

  get size(): number {
    return this.left.size;
  }

  add({ nodeId, connectionId }: Pick<LiveConnection, 'nodeId' | 'connectionId'>): void {
    if (this.left.size >= MOST_LEFT) return this.logger.error('a registration is left until this server node restarts');
    this.left.set(connectionId, nodeId);
    if (!this.timer && !this.stopped) this.wait();
  }

  onApplicationShutdown(): void {
    this.stopped = true;
    this.timer?.cancel();
  }

  private wait(): void {
    this.timer = this.clock.after(this.waitMs, () => void this.takeBack());
  }

  private async takeBack(): Promise<void> {
    let worked = true;
    while (worked && this.left.size > 0 && !this.stopped) worked = await this.takeSomeBack();
    this.waitMs = worked ? FIRST_WAIT_MS : Math.min(2 * this.waitMs, LONGEST_WAIT_MS);
    this.timer = undefined;
    if (this.left.size > 0 && !this.stopped) this.wait();
  }

  /** Whether all that were tried are gone. */
  private async takeSomeBack(): Promise<boolean> {
    const tried = [...this.left].slice(0, AT_ONCE);
    const outcomes = await Promise.allSettled(tried.map(([id, nodeId]) => this.connections.unregister(nodeId, id)));
    tried.forEach(([connectionId], index) => {
      if (outcomes[index]?.status === 'fulfilled') this.left.delete(connectionId);
    });
    return outcomes.every(({ status }) => status === 'fulfilled');
  }
}
