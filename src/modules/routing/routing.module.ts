import { type DynamicModule, type FactoryProvider, Module } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import { Metrics } from '../../common/metrics.js';
import { type AsyncSettings, withSettings } from '../../common/with-settings.js';
import { ConnectionsModule, ConnectionsService } from '../connections/index.js';
import { InboxHooks, InboxModule, InboxService } from '../inbox/index.js';
import { NodesModule, ServerNode, ServerNodesView } from '../nodes/index.js';
import { SessionsModule } from '../sessions/index.js';
import { PeerLinks } from './peer-links.js';
import { PeerRouting } from './peer-routing.js';
import { RenewalWatch } from './renewal-watch.js';
import { RoutingHooks } from './routing.hooks.js';
import { RoutingService } from './routing.service.js';
import { RoutingSettings } from './routing.settings.js';

const peerRouting: FactoryProvider<PeerRouting> = {
  provide: PeerRouting,
  useFactory: (
    links: PeerLinks,
    view: ServerNodesView,
    self: ServerNode,
    connections: ConnectionsService,
    inbox: InboxService,
    deliveries: InboxHooks,
    clock: Clock,
    metrics: Metrics,
  ) => new PeerRouting(links, view, self, connections, inbox, deliveries, clock, metrics),
  inject: [PeerLinks, ServerNodesView, ServerNode, ConnectionsService, InboxService, InboxHooks, Clock, Metrics],
};

/** Needs from its surroundings: `StoreHealth`, `PeerLinks`, `RoutingSettings`, `Clock`, `HeapUse`, `Metrics`. */
@Module({
  imports: [NodesModule, ConnectionsModule, InboxModule, SessionsModule],
  providers: [peerRouting, RoutingService, RoutingHooks, RenewalWatch],
  exports: [RoutingService, RoutingHooks],
})
export class RoutingModule {
  static forRoot(settings: RoutingSettings): DynamicModule {
    return withSettings(RoutingModule, RoutingSettings, { useValue: settings });
  }

  static forRootAsync(settings: AsyncSettings<RoutingSettings>): DynamicModule {
    return withSettings(RoutingModule, RoutingSettings, settings);
  }
}
