import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Injectable,
  type InjectionToken,
  Module,
  type ModuleMetadata,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { AddressInfo } from 'node:net';
import { Clock } from '../common/clock.js';
import { Lifecycle } from '../common/lifecycle.js';
import { UpgradeClaims } from '../common/upgrade-claims.js';
import { type AsyncSettings, type Given, settingsProvider } from '../common/with-settings.js';
import { NodesModule } from '../modules/nodes/index.js';
import { PeerLinks } from '../modules/routing/index.js';
import { LinkListener } from './link-listener.js';
import { LinksSettings } from './links.settings.js';
import { PeerAddresses } from './peer-addresses.js';
import { RegisteredPeers } from './registered-peers.js';
import { WebsocketPeerLinks } from './websocket-peer-links.js';

export interface LinksWiring {
  /** Modules that provide `addresses`, or what the registry of server nodes needs, where it is not global. */
  readonly imports?: ModuleMetadata['imports'];
  /** Token of a provider with the methods of `PeerAddresses`; default: the registry of server nodes. */
  readonly addresses?: InjectionToken;
}

/** Where links come in, and when they end: last, for those who drain have to say goodbye over them. */
@Injectable()
export class LinksEntrance implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly listener: LinkListener | undefined;

  constructor(
    private readonly links: WebsocketPeerLinks,
    private readonly lifecycle: Lifecycle,
    claims: UpgradeClaims,
    { listener }: LinksSettings,
    clock: Clock,
  ) {
    lifecycle.preparesBy(() => links.introduced());
    const take = links.acceptor.take.bind(links.acceptor);
    if (listener) this.listener = new LinkListener(listener, take, clock);
    else claims.add(take);
  }

  /** Of the own listener, while there is one. */
  get address(): AddressInfo | undefined {
    return this.listener?.address;
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.listener?.listen();
  }

  /** Here and not later: the public listener ends only when the sockets of links have. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.lifecycle.drained();
    await this.links.close();
    await this.listener?.close();
  }
}

/** Needs from its surroundings: `Clock`, `Lifecycle`, `Metrics`, `UpgradeClaims`. Global, for the modules know only the port. */
@Module({})
export class LinksModule {
  static forRoot(settings: LinksSettings, wiring: LinksWiring = {}): DynamicModule {
    return dynamicModule({ useValue: settings }, wiring);
  }

  static forRootAsync(wiring: LinksWiring & AsyncSettings<LinksSettings>): DynamicModule {
    return dynamicModule(wiring, wiring);
  }
}

function dynamicModule(given: Given<LinksSettings>, { imports = [], addresses }: LinksWiring): DynamicModule {
  return {
    module: LinksModule,
    global: true,
    imports: [...imports, ...(addresses ? [] : [NodesModule])],
    providers: [
      settingsProvider(LinksSettings, given),
      addresses
        ? { provide: PeerAddresses, useExisting: addresses }
        : { provide: PeerAddresses, useClass: RegisteredPeers },
      WebsocketPeerLinks,
      { provide: PeerLinks, useExisting: WebsocketPeerLinks },
      LinksEntrance,
    ],
    exports: [PeerLinks],
  };
}
