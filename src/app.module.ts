import { Module, type DynamicModule } from '@nestjs/common';
import type { OwnPorts } from './common/with-settings.js';
import { SettingsModule } from './config/config.module.js';
import type { Config } from './config/load-config.js';
import { HttpGatewayModule } from './gateways/http/index.js';
import { NativeGatewayModule } from './gateways/native/index.js';
import { LinksModule } from './links/index.js';
import { AuthModule, type AuthOptions } from './modules/auth/index.js';
import { ConnectionsModule } from './modules/connections/index.js';
import { InboxModule } from './modules/inbox/index.js';
import { NodesModule } from './modules/nodes/index.js';
import { RoutingModule } from './modules/routing/index.js';
import { ClientsService, SessionsModule } from './modules/sessions/index.js';
import { PlatformModule } from './platform.module.js';
import {
  authOptions,
  type BoundAddress,
  connectionsSettings,
  embeddedOptions,
  heapLimits,
  httpSettings,
  inboxSettings,
  type LinkKeys,
  linksSettings,
  loopLagLimits,
  mongoOptions,
  nativeSettings,
  routingSettings,
  serverNodesSettings,
  sessionsSettings,
} from './settings-of-modules.js';
import { EmbeddedStorageModule } from './storage/embedded/index.js';

/** Keys that do not stand in the configuration itself. */
export type GivenKeys = Pick<AuthOptions, 'secret' | 'keySet' | 'readKeySet'>;

/** What the configuration leads to outside of itself: files that were read, a port that will be taken. */
export interface AppSurroundings {
  readonly config: Config;
  readonly address: BoundAddress;
  readonly keys: GivenKeys;
  readonly links: LinkKeys;
}

/** A folder is enough for one machine. What MongoDB needs is loaded only where it is wanted. */
function storageOf(config: Config, own?: OwnPorts): DynamicModule | Promise<DynamicModule> {
  const mongo = mongoOptions(config);
  if (!mongo) return EmbeddedStorageModule.forRoot(embeddedOptions(config), own);
  return import('./storage/mongo/index.js').then(({ MongoStorageModule }) => MongoStorageModule.forRoot(mongo, own));
}

/** Everything that makes a server node. The only place that names every module and picks the storage family. */
@Module({})
export class AllsparkModule {
  /** `own`: ports of which the application has a provider of its own. */
  static forRoot({ config, address, keys, links }: AppSurroundings, own?: OwnPorts): DynamicModule {
    return {
      module: AllsparkModule,
      imports: [
        PlatformModule.forRoot({ loopLag: loopLagLimits(config), heapUse: heapLimits(config) }),
        storageOf(config, own),
        NodesModule.forRoot(serverNodesSettings(config)),
        LinksModule.forRoot(linksSettings(config, links)),
        ConnectionsModule.forRoot(connectionsSettings(config)),
        InboxModule.forRoot(inboxSettings(config)),
        SessionsModule.forRoot(sessionsSettings(config)),
        RoutingModule.forRoot(routingSettings(config)),
        AuthModule.forRoot(authOptions(config, keys), { imports: [SessionsModule], callerSeen: ClientsService }),
        NativeGatewayModule.forRoot(nativeSettings(config, address)),
        HttpGatewayModule.forRoot({ settings: httpSettings(config), address }),
      ],
    };
  }
}

/** A server node that is an application of its own: what it was configured with can be injected too. */
@Module({})
export class AppModule {
  static forRoot(surroundings: AppSurroundings): DynamicModule {
    const imports = [SettingsModule.forRoot(surroundings.config), AllsparkModule.forRoot(surroundings)];
    return { module: AppModule, imports };
  }
}
