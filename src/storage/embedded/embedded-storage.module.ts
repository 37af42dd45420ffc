import { type Abstract, type DynamicModule, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Metrics } from '../../common/metrics.js';
import { ValidationKeyStore } from '../../modules/auth/index.js';
import { Directory } from '../../modules/connections/index.js';
import { InboxLog, StoreHealth } from '../../modules/inbox/index.js';
import { NodeRegistry, ServerNodes } from '../../modules/nodes/index.js';
import { GroupLog } from '../../modules/sessions/index.js';
import { EmbeddedDirectory } from './embedded-directory.js';
import { EmbeddedGroupLog } from './embedded-group-log.js';
import { EmbeddedHealth } from './embedded-health.js';
import { EmbeddedInboxLog } from './embedded-inbox-log.js';
import { EmbeddedNodeRegistry } from './embedded-node-registry.js';
import { EmbeddedServerNodes } from './embedded-server-nodes.js';
import { EmbeddedStore } from './embedded-store.js';
import { EmbeddedValidationKeys } from './embedded-validation-keys.js';
import type { EmbeddedOptions } from './settings.js';

/** What can be made from the open store alone. */
const adapters: ReadonlyArray<[port: Abstract<unknown>, adapter: new (store: EmbeddedStore) => object]> = [
  [InboxLog, EmbeddedInboxLog],
  [GroupLog, EmbeddedGroupLog],
  [Directory, EmbeddedDirectory],
  [NodeRegistry, EmbeddedNodeRegistry],
  [ServerNodes, EmbeddedServerNodes],
  [ValidationKeyStore, EmbeddedValidationKeys],
];
const ports = [...adapters.map(([port]) => port), StoreHealth];

/**
 * Closes the store when everybody else was told to stop and had the chance to write: after that, whoever still
 * writes is refused.
 */
@Injectable()
export class EmbeddedStoreCloser implements OnApplicationShutdown {
  constructor(
    private readonly store: EmbeddedStore,
    private readonly health: StoreHealth,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    (this.health as EmbeddedHealth).stop();
    await this.store.close();
  }
}

/** The storage family that needs nothing but a folder: provides every port. Global, as the modules ask for ports. */
@Module({})
export class EmbeddedStorageModule {
  /** Opens the store while the application is made; start-up fails when it cannot be opened. */
  static forRoot(options: EmbeddedOptions): DynamicModule {
    return {
      module: EmbeddedStorageModule,
      global: true,
      providers: [
        {
          provide: EmbeddedStore,
          useFactory: (metrics?: Metrics) => {
            const onCommit = (seconds: number): void => metrics?.commitSeconds.observe(seconds);
            return EmbeddedStore.open({ onCommit, ...options });
          },
          inject: [{ token: Metrics, optional: true }],
        },
        { provide: StoreHealth, useFactory: (store) => EmbeddedHealth.watch(store), inject: [EmbeddedStore] },
        ...adapters.map(([provide, Adapter]) => ({
          provide,
          useFactory: (store: EmbeddedStore) => new Adapter(store),
          inject: [EmbeddedStore],
        })),
        EmbeddedStoreCloser,
      ],
      exports: [EmbeddedStore, ...ports],
    };
  }
}
