import { type Abstract, type DynamicModule, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { getConnectionToken } from '@nestjs/mongoose';
import { Clock, StoreClock } from '../../common/clock.js';
import { Metrics } from '../../common/metrics.js';
import {
  type AsyncSettings,
  type Given,
  importsOf,
  type OwnPorts,
  settingsProvider,
} from '../../common/with-settings.js';
import { EndOrders, ValidationKeyStore } from '../../modules/auth/index.js';
import { Directory } from '../../modules/connections/index.js';
import { InboxLog, StoreHealth } from '../../modules/inbox/index.js';
import { NodeRegistry, ServerNodes } from '../../modules/nodes/index.js';
import { GroupLog } from '../../modules/sessions/index.js';
import { MongoClock } from './mongo-clock.js';
import { MongoDirectory } from './mongo-directory.js';
import { MongoEndOrders } from './mongo-end-orders.js';
import { MongoGroupLog } from './mongo-group-log.js';
import { MongoHealth } from './mongo-health.js';
import { MongoInboxLog } from './mongo-inbox-log.js';
import { MongoNodeRegistry } from './mongo-node-registry.js';
import { MongoServerNodes } from './mongo-server-nodes.js';
import { MongoStore } from './mongo-store.js';
import { MongoValidationKeys } from './mongo-validation-keys.js';
import type { MongoOptions } from './settings.js';

/** Name of the store's connection: applications that use mongoose themselves have theirs beside it. */
export const MONGO_CONNECTION = 'allspark';

const OPTIONS = Symbol('allspark:mongo-options');

/** What can be made from the open store alone. */
const adapters: ReadonlyArray<[port: Abstract<unknown>, adapter: new (store: MongoStore) => object]> = [
  [InboxLog, MongoInboxLog],
  [GroupLog, MongoGroupLog],
  [Directory, MongoDirectory],
  [NodeRegistry, MongoNodeRegistry],
  [ServerNodes, MongoServerNodes],
  [ValidationKeyStore, MongoValidationKeys],
  [EndOrders, MongoEndOrders],
];
const connection = getConnectionToken(MONGO_CONNECTION);
const ports = [...adapters.map(([port]) => port), StoreHealth, StoreClock];

/** Closes the store when everybody else was told to stop and had the chance to write. */
@Injectable()
export class MongoStoreCloser implements OnApplicationShutdown {
  constructor(
    private readonly store: MongoStore,
    private readonly health: MongoHealth,
    private readonly clock: MongoClock,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    this.health.stop();
    this.clock.stop();
    await this.store.close();
  }
}

/**
 * The storage family for more than one machine: provides every port. Global, as the modules ask for ports. Its
 * connection stands under the usual token of `MONGO_CONNECTION`, but is not left to mongoose's own module: that one
 * closes it while others still write.
 */
@Module({})
export class MongoStorageModule {
  /**
   * Connects while the application is made; start-up fails in a bounded time when nobody answers. `own`: ports of which the
   * application has a provider of its own.
   */
  static forRoot(options: MongoOptions, own?: OwnPorts): DynamicModule {
    return family({ useValue: options }, own);
  }

  static forRootAsync(options: AsyncSettings<MongoOptions>, own?: OwnPorts): DynamicModule {
    return family(options, own);
  }
}

function openStore(options: MongoOptions, metrics?: Metrics): Promise<MongoStore> {
  const onCommit = (seconds: number): void => metrics?.commitSeconds.observe(seconds);
  return MongoStore.open({ onCommit, ...options });
}

function startClock(store: MongoStore, clock?: Clock): Promise<MongoClock> {
  return MongoClock.start(store, clock ?? store.settings.clock);
}

function family(given: Given<MongoOptions>, { imports = [], providers = [] }: OwnPorts = {}): DynamicModule {
  const inject = [MongoStore];
  return {
    module: MongoStorageModule,
    global: true,
    imports: [...importsOf(given), ...imports],
    providers: [
      settingsProvider(OPTIONS, given),
      { provide: MongoStore, useFactory: openStore, inject: [OPTIONS, { token: Metrics, optional: true }] },
      { provide: connection, useFactory: (store: MongoStore) => store.connection, inject },
      { provide: MongoHealth, useFactory: (store: MongoStore) => MongoHealth.watch(store), inject },
      { provide: StoreHealth, useExisting: MongoHealth },
      { provide: MongoClock, useFactory: startClock, inject: [MongoStore, { token: Clock, optional: true }] },
      { provide: StoreClock, useExisting: MongoClock },
      ...adapters.map(([provide, Adapter]) => ({
        provide,
        useFactory: (store: MongoStore) => new Adapter(store),
        inject,
      })),
      MongoStoreCloser,
      // The last provider of a token is the one that counts.
      ...providers,
    ],
    exports: [MongoStore, connection, ...ports],
  };
}
