import { Module, type DynamicModule } from '@nestjs/common';
import { type AsyncSettings, type Given, importsOf, type OwnPorts, settingsProvider } from './common/with-settings.js';
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
import { type EmbeddedOptions, EmbeddedStorageModule } from './storage/embedded/index.js';
import type { MongoOptions } from './storage/mongo/index.js';

/** Keys that do not stand in the configuration itself. */
export type GivenKeys = Pick<AuthOptions, 'secret' | 'keySet' | 'readKeySet'>;

/** What the configuration leads to outside of itself: files that were read, a port that will be taken. */
export interface AppSurroundings {
  readonly config: Config;
  readonly address: BoundAddress;
  readonly keys: GivenKeys;
  readonly links: LinkKeys;
}

export type StorageFamily = 'embedded' | 'mongodb';

export interface AsyncSurroundings extends AsyncSettings<AppSurroundings> {
  /**
   * What the settings will name; default: `embedded`. Modules are picked before any factory is asked. Start-up fails when
   * the settings name another one.
   */
  readonly storage?: StorageFamily;
}

const SURROUNDINGS = Symbol('allspark:surroundings');

@Module({})
class SurroundingsModule {
  static of(given: Given<AppSurroundings>): DynamicModule {
    return {
      module: SurroundingsModule,
      global: true,
      imports: importsOf(given),
      providers: [settingsProvider(SURROUNDINGS, given)],
      exports: [SURROUNDINGS],
    };
  }
}

/** The piece of the surroundings that one module wants. */
function piece<T>(useFactory: (surroundings: AppSurroundings) => T): AsyncSettings<T> {
  return { inject: [SURROUNDINGS], useFactory };
}

const ofConfig = <T>(settingsOf: (config: Config) => T): AsyncSettings<T> => piece(({ config }) => settingsOf(config));

function familyOf(config: Config): StorageFamily {
  return mongoOptions(config) ? 'mongodb' : 'embedded';
}

/** Else messages would be kept where nobody looks for them. */
function embeddedOnly(config: Config): EmbeddedOptions {
  if (familyOf(config) === 'embedded') return embeddedOptions(config);
  throw new Error("MONGODB_URI is set: AllsparkModule.forRootAsync has to be told storage: 'mongodb'");
}

function mongoOnly(config: Config): MongoOptions {
  const options = mongoOptions(config);
  if (options) return options;
  throw new Error("AllsparkModule.forRootAsync was told storage: 'mongodb', and MONGODB_URI is not set");
}

/** A folder is enough for one machine. What MongoDB needs is loaded only where it is wanted. */
function storageOf(family: StorageFamily, own?: OwnPorts): DynamicModule | Promise<DynamicModule> {
  if (family === 'embedded') return EmbeddedStorageModule.forRootAsync(ofConfig(embeddedOnly), own);
  const settings = ofConfig(mongoOnly);
  return import('./storage/mongo/index.js').then(({ MongoStorageModule: mongo }) => mongo.forRootAsync(settings, own));
}

function serverNode(given: Given<AppSurroundings>, family: StorageFamily, own?: OwnPorts): DynamicModule {
  const options = ofConfig((config) => ({ loopLag: loopLagLimits(config), heapUse: heapLimits(config) }));
  return {
    module: AllsparkModule,
    imports: [
      SurroundingsModule.of(given),
      PlatformModule.forRootAsync(options),
      storageOf(family, own),
      NodesModule.forRootAsync(ofConfig(serverNodesSettings)),
      LinksModule.forRootAsync(piece(({ config, links }) => linksSettings(config, links))),
      ConnectionsModule.forRootAsync(ofConfig(connectionsSettings)),
      InboxModule.forRootAsync(ofConfig(inboxSettings)),
      SessionsModule.forRootAsync(ofConfig(sessionsSettings)),
      RoutingModule.forRootAsync(ofConfig(routingSettings)),
      AuthModule.forRootAsync({
        ...piece(({ config, keys }) => authOptions(config, keys)),
        imports: [SessionsModule],
        callerSeen: ClientsService,
      }),
      NativeGatewayModule.forRootAsync(piece(({ config, address }) => nativeSettings(config, address))),
      HttpGatewayModule.forRootAsync(piece(({ config, address }) => ({ settings: httpSettings(config), address }))),
    ],
  };
}

/** Everything that makes a server node. The only place that names every module and picks the storage family. */
@Module({})
export class AllsparkModule {
  /** `own`: ports of which the application has a provider of its own. */
  static forRoot(surroundings: AppSurroundings, own?: OwnPorts): DynamicModule {
    return serverNode({ useValue: surroundings }, familyOf(surroundings.config), own);
  }

  /** For settings that are known only while the application is made; `own` as above. */
  static forRootAsync(surroundings: AsyncSurroundings, own?: OwnPorts): DynamicModule {
    return serverNode(surroundings, surroundings.storage ?? 'embedded', own);
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
