import { type DynamicModule, Module } from '@nestjs/common';
import { type AsyncSettings, withSettings } from '../../common/with-settings.js';
import { ConnectionsModule } from '../connections/index.js';
import { InboxModule } from '../inbox/index.js';
import { NodesModule } from '../nodes/index.js';
import { SessionsModule } from '../sessions/index.js';
import { RenewalWatch } from './renewal-watch.js';
import { RoutingHooks } from './routing.hooks.js';
import { RoutingService } from './routing.service.js';
import { RoutingSettings } from './routing.settings.js';

/** Needs from its surroundings: `StoreHealth`, `RoutingSettings`, `Clock`, `HeapUse`. */
@Module({
  imports: [NodesModule, ConnectionsModule, InboxModule, SessionsModule],
  providers: [RoutingService, RoutingHooks, RenewalWatch],
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
