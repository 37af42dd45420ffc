import { type Abstract, type DynamicModule, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
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
import { EmbeddedDirectory } from './embedded-directory.js';
import { EmbeddedEndOrders } from './embedded-end-orders.js';
import { EmbeddedGroupLog } from './embedded-group-log.js';
import { EmbeddedHealth } from './embedded-health.js';
import { EmbeddedInboxLog } from './embedded-inbox-log.js';
import { EmbeddedNodeRegistry } from './embedded-node-registry.js';
import { EmbeddedServerNodes } from './embedded-server-nodes.js';
import { EmbeddedStore } from './embedded-store.js';
import { EmbeddedValidationKeys } from './embedded-validation-keys.js';
import type { EmbeddedOptions } from './settings.js';

const OPTIONS = Symbol('allspark:embedded-options');

/** What can be made from the open store alone. */
const adapters: ReadonlyArray<[port: Abstract<unknown>, adapter: new (store: EmbeddedStore) => object]> = [
  [InboxLog, EmbeddedInboxLog],
  [GroupLog, EmbeddedGroupLog],
  [Directory, EmbeddedDirectory],
  [NodeRegistry, EmbeddedNodeRegistry],
  [ServerNodes, EmbeddedServerNodes],
  [ValidationKeyStore, EmbeddedValidationKeys],
  [EndOrders, EmbeddedEndOrders],
];
const ports = [...adapters.map(([port]) => port), StoreHealth, StoreClock];

/**
 * Closes the store when everybody else was told to stop and had the chance to write: after that, whoever still
 * writes is refused.
 */
@Injectable()
export class EmbeddedStoreCloser implements OnApplicationShutdown {
  constructor(
    private readonly store: EmbeddedStore,
    private readonly health: EmbeddedHealth,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    this.health.stop();
    await this.store.close();
  }
}

/** The storage family that needs nothing but a folder: provides every port. Global, as the modules ask for ports. */
@Module({})
export class EmbeddedStorageModule {
  /**
   * Opens the store while the application is made; start-up fails when it cannot be opened. `own`: ports of which the
   * application has a provider of its own.
   */
  static forRoot(options: EmbeddedOptions, own?: OwnPorts): DynamicModule {
    return family({ useValue: options }, own);
  }

  static forRootAsync(options: AsyncSettings<EmbeddedOptions>, own?: OwnPorts): DynamicModule {
    return family(options, own);
  }
}

function openStore(options: EmbeddedOptions, metrics?: Metrics): Promise<EmbeddedStore> {
  const onCommit = (seconds: number): void => metrics?.commitSeconds.observe(seconds);
  return EmbeddedStore.open({ onCommit, ...options });
}

/** All processes on the store are on one host, and so is its time. */
function clockOf({ settings }: EmbeddedStore, clock = settings.clock): Clock {
  return clock;
}

function family(given: Given<EmbeddedOptions>, { imports = [], providers = [] }: OwnPorts = {}): DynamicModule {
  const inject = [EmbeddedStore];
  return {
    module: EmbeddedStorageModule,
    global: true,
    imports: [...importsOf(given), ...imports],
    providers: [
      settingsProvider(OPTIONS, given),
      { provide: EmbeddedStore, useFactory: openStore, inject: [OPTIONS, { token: Metrics, optional: true }] },
      { provide: EmbeddedHealth, useFactory: (store: EmbeddedStore) => EmbeddedHealth.watch(store), inject },
      { provide: StoreHealth, useExisting: EmbeddedHealth },
      { provide: StoreClock, useFactory: clockOf, inject: [EmbeddedStore, { token: Clock, optional: true }] },
      ...adapters.map(([provide, Adapter]) => ({
        provide,
        useFactory: (store: EmbeddedStore) => new Adapter(store),
        inject,
      })),
      EmbeddedStoreCloser,
      // The last provider of a token is the one that counts.
      ...providers,
    ],
    exports: [EmbeddedStore, ...ports],
  };
}
