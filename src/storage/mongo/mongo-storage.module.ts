import { type Abstract, type DynamicModule, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { getConnectionToken } from '@nestjs/mongoose';
import { ValidationKeyStore } from '../../modules/auth/index.js';
import { Directory } from '../../modules/connections/index.js';
import { InboxLog, StoreHealth } from '../../modules/inbox/index.js';
import { NodeRegistry, ServerNodes } from '../../modules/nodes/index.js';
import { GroupLog } from '../../modules/sessions/index.js';
import { MongoDirectory } from './mongo-directory.js';
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

/** What can be made from the open store alone. */
const adapters: ReadonlyArray<[port: Abstract<unknown>, adapter: new (store: MongoStore) => object]> = [
  [InboxLog, MongoInboxLog],
  [GroupLog, MongoGroupLog],
  [Directory, MongoDirectory],
  [NodeRegistry, MongoNodeRegistry],
  [ServerNodes, MongoServerNodes],
  [ValidationKeyStore, MongoValidationKeys],
];
const connection = getConnectionToken(MONGO_CONNECTION);
const ports = [...adapters.map(([port]) => port), StoreHealth];

/** Closes the store when everybody else was told to stop and had the chance to write. */
@Injectable()
export class MongoStoreCloser implements OnApplicationShutdown {
  constructor(
    private readonly store: MongoStore,
    private readonly health: StoreHealth,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    (this.health as MongoHealth).stop();
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
  /** Connects while the application is made; start-up fails in a bounded time when nobody answers. */
  static forRoot(options: MongoOptions): DynamicModule {
    return {
      module: MongoStorageModule,
      global: true,
      providers: [
        { provide: MongoStore, useFactory: () => MongoStore.open(options) },
        { provide: connection, useFactory: (store: MongoStore) => store.connection, inject: [MongoStore] },
        { provide: StoreHealth, useFactory: (store: MongoStore) => MongoHealth.watch(store), inject: [MongoStore] },
        ...adapters.map(([provide, Adapter]) => ({
          provide,
          useFactory: (store: MongoStore) => new Adapter(store),
          inject: [MongoStore],
        })),
        MongoStoreCloser,
      ],
      exports: [MongoStore, connection, ...ports],
    };
  }
}
