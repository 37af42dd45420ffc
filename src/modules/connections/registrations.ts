import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Clock, type Timer } from '../../common/clock.js';
import { ServerNode, ServerNodesSettings, ServerNodesView } from '../nodes/index.js';
import { ConnectionsService } from './connections.service.js';
import type { LiveConnection } from './connections.types.js';
import { Directory } from './directory.js';

const AT_ONCE = 64;
const RETRY_MS = 1_000;

/** Keeps the directory true: what runs that are over have left goes, what this one had and lost comes back. */
@Injectable()
export class Registrations implements OnApplicationShutdown {
  private readonly logger = new Logger(Registrations.name);
  private readonly renewedListeners: Array<() => void> = [];
  private later: Timer | undefined;
  private stopped = false;

  constructor(
    private readonly directory: Directory,
    private readonly connections: ConnectionsService,
    private readonly serverNode: ServerNode,
    private readonly view: ServerNodesView,
    private readonly settings: ServerNodesSettings,
    private readonly clock: Clock,
  ) {
    serverNode.onRenewed(() => void this.registerAnew());
    view.onVanished(() => void this.sweepTwice());
  }

  /**
   * Removes what runs registered that have no place any more; answers how much. The registry is read behind the
   * directory: who is missing there has ended, for a run takes its place before it registers anything.
   */
  async sweep(): Promise<number> {
    const boots = await this.directory.boots();
    await this.view.refresh();
    let removed = 0;
    for (const bootId of boots) if (!this.view.holds(bootId)) removed += await this.directory.forgetBoot(bootId);
    return removed;
  }

  /** Called when all connections are registered anew: nobody told of what came for them in between. */
  onRenewed(call: () => void): void {
    this.renewedListeners.push(call);
  }

  onApplicationShutdown(): void {
    this.stopped = true;
    this.later?.cancel();
  }

  /** Once more later: a run that was cut off may register things until it learns that it is over. */
  private async sweepTwice(): Promise<void> {
    this.later?.cancel();
    if (!this.stopped) this.later = this.clock.after(this.settings.staleMs, () => void this.trySweep());
    await this.trySweep();
  }

  private async trySweep(): Promise<void> {
    try {
      const removed = await this.sweep();
      if (removed > 0) this.logger.log(`removed ${removed} connections of server nodes that are gone`);
    } catch (error) {
      if (this.stopped) return;
      this.logger.warn(`the connections of server nodes that are gone could not be removed yet: ${String(error)}`);
      this.later?.cancel();
      this.later = this.clock.after(this.settings.staleMs, () => void this.trySweep());
    }
  }

  private async registerAnew(): Promise<void> {
    const { bootId } = this.serverNode;
    let open: LiveConnection[] = [...this.connections.all()];
    this.logger.warn(`this server node was taken for dead: registering its ${open.length} connections again`);
    while (open.length > 0) {
      const failed = await this.registerSome(open.splice(0, AT_ONCE));
      if (this.stopped || bootId !== this.serverNode.bootId) return;
      open = [...open, ...failed];
      if (failed.length > 0) await this.clock.pause(RETRY_MS);
    }
    for (const call of this.renewedListeners) call();
  }

  /** Answers those that it failed for. */
  private async registerSome(some: readonly LiveConnection[]): Promise<LiveConnection[]> {
    const outcomes = await Promise.allSettled(some.map((connection) => this.connections.registerAgain(connection)));
    return some.filter((_, index) => outcomes[index]?.status === 'rejected');
  }
}
