import { Global, Module, type DynamicModule } from '@nestjs/common';
import { SettingsModule } from './config/config.module.js';
import type { Config } from './config/load-config.js';
import { HttpGatewayModule, HttpSettings, PublicAddress } from './gateways/http/index.js';
import { NativeGatewayModule, NativeSettings } from './gateways/native/index.js';
import { AuthModule, type AuthOptions } from './modules/auth/index.js';
import { ConnectionsModule, ConnectionsSettings } from './modules/connections/index.js';
import { InboxModule, InboxSettings } from './modules/inbox/index.js';
import { NodesModule } from './modules/nodes/index.js';
import { RoutingModule, RoutingSettings } from './modules/routing/index.js';
import { ClientsService, SessionsModule, SessionsSettings } from './modules/sessions/index.js';
import { PlatformModule } from './platform.module.js';
import {
  authOptions,
  type BoundAddress,
  connectionsSettings,
  embeddedOptions,
  httpSettings,
  inboxSettings,
  loopLagLimits,
  mongoOptions,
  nativeSettings,
  routingSettings,
  sessionsSettings,
} from './settings-of-modules.js';
import { EmbeddedStorageModule } from './storage/embedded/index.js';

/** What the configuration leads to outside of itself: files that were read, a port that will be taken. */
export interface AppSurroundings {
  readonly config: Config;
  readonly address: BoundAddress;
  readonly keys: Pick<AuthOptions, 'secret' | 'keySet'>;
}

/** The settings that the modules declare, for whoever injects them. */
@Global()
@Module({})
class ModuleSettings {
  static of({ config, address }: AppSurroundings): DynamicModule {
    const providers = [
      { provide: ConnectionsSettings, useValue: connectionsSettings(config) },
      { provide: InboxSettings, useValue: inboxSettings(config) },
      { provide: RoutingSettings, useValue: routingSettings(config) },
      { provide: SessionsSettings, useValue: sessionsSettings(config) },
      { provide: NativeSettings, useValue: nativeSettings(config, address) },
      { provide: HttpSettings, useValue: httpSettings(config) },
      { provide: PublicAddress, useValue: address },
    ];
    return { module: ModuleSettings, providers, exports: providers.map(({ provide }) => provide) };
  }
}

/** A folder is enough for one machine. What MongoDB needs is loaded only where it is wanted. */
function storageOf(config: Config): DynamicModule | Promise<DynamicModule> {
  const mongo = mongoOptions(config);
  if (!mongo) return EmbeddedStorageModule.forRoot(embeddedOptions(config));
  return import('./storage/mongo/index.js').then(({ MongoStorageModule }) => MongoStorageModule.forRoot(mongo));
}

/** The only place that names every module and picks the storage family. */
@Module({})
export class AppModule {
  static forRoot(surroundings: AppSurroundings): DynamicModule {
    const { config, keys } = surroundings;
    const auth = AuthModule.forRoot(authOptions(config, keys), {
      imports: [SessionsModule],
      callerSeen: ClientsService,
    });
    return {
      module: AppModule,
      imports: [
        PlatformModule.forRoot({ loopLag: loopLagLimits(config) }),
        SettingsModule.forRoot(config),
        ModuleSettings.of(surroundings),
        storageOf(config),
        NodesModule,
        ConnectionsModule,
        InboxModule,
        SessionsModule,
        RoutingModule,
        auth,
        NativeGatewayModule.forRoot({ imports: [auth] }),
        HttpGatewayModule.forRoot({ imports: [auth] }),
      ],
    };
  }
}
