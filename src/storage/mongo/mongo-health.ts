import { Logger } from '@nestjs/common';
import type { mongo } from 'mongoose';
import type { Timer } from '../../common/clock.js';
import { StoreHealth } from '../../modules/inbox/index.js';
import type { MongoStore } from './mongo-store.js';

const CHECK_MS = 1_000;

/** What clients may hear: no addresses. The log has the rest. */
const UNREACHABLE = 'MongoDB has no primary within reach';
const SILENT = 'MongoDB does not answer';

/**
 * Watches MongoDB: the driver tells at once when the primary goes or comes, and a small read each second finds out
 * what no socket tells. That read also wakes the driver's search for a primary, so that a server that is back is found
 * within a second. What goes away comes back by itself; only another history in its place needs a restart.
 */
export class MongoHealth extends StoreHealth {
  private readonly logger = new Logger('MongoDB');
  private isReachable = true;
  private isSilent = false;
  private answeredAt: number;
  private told: string | undefined;
  private checking: Promise<void> | undefined;
  private timer: Timer | undefined;
  private fatalListeners: Array<(error: Error) => void> = [];

  private constructor(private readonly store: MongoStore) {
    super();
    this.answeredAt = store.settings.clock.monotonic();
  }

  /** Watches from now on; has looked once when it resolves. */
  static async watch(store: MongoStore): Promise<MongoHealth> {
    const health = new MongoHealth(store);
    store.connection.getClient().on('topologyDescriptionChanged', health.hearOfServers);
    await health.check();
    health.timer = store.settings.clock.every(CHECK_MS, () => void health.check());
    return health;
  }

  problem(): string | undefined {
    if (this.store.failed) return this.store.failed.message;
    return this.store.isClosed ? 'the store is closed' : this.trouble;
  }

  override silentMs(): number {
    return this.trouble === undefined ? 0 : this.store.settings.clock.monotonic() - this.answeredAt;
  }

  onFatal(call: (error: Error) => void): void {
    if (this.store.failed) call(this.store.failed);
    else this.fatalListeners.push(call);
  }

  stop(): void {
    this.timer?.cancel();
    this.store.connection.getClient().off('topologyDescriptionChanged', this.hearOfServers);
  }

  /** Asks MongoDB; never rejects. While one question is open, no other is asked. */
  check(): Promise<void> {
    return (this.checking ??= this.ask().finally(() => (this.checking = undefined)));
  }

  private get trouble(): string | undefined {
    return this.isReachable ? (this.isSilent ? SILENT : undefined) : UNREACHABLE;
  }

  private async ask(): Promise<void> {
    if (this.store.failed) return;
    const asked = this.store.settings.clock.monotonic();
    try {
      const epoch = await this.store.epoch();
      this.isSilent = false;
      this.answeredAt = asked;
      this.tell();
      if (epoch !== this.store.epochAtOpening) this.fail(new Error('the store was replaced by another history'));
    } catch (error) {
      this.isSilent = true;
      this.tell((error as Error).message);
    }
  }

  private fail(error: Error): void {
    if (this.store.failed) return;
    this.store.fail(error);
    for (const call of this.fatalListeners.splice(0)) call(error);
  }

  private readonly hearOfServers = ({ newDescription }: mongo.TopologyDescriptionChangedEvent): void => {
    const servers = [...newDescription.servers.values()];
    this.isReachable = servers.some((server) => server.isWritable);
    this.tell(servers.find(({ error }) => error)?.error?.message);
  };

  /** Logs what changed. */
  private tell(why = 'no error was named'): void {
    const { trouble, told } = this;
    this.told = trouble;
    if (this.store.isClosed || trouble === told) return;
    if (trouble === undefined) this.logger.log('MongoDB answers again');
    else this.logger.warn(`${trouble}: ${why}`);
  }
}
