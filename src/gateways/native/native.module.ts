import { type DynamicModule, Module } from '@nestjs/common';
import { type AsyncSettings, withSettings } from '../../common/with-settings.js';
import { ConnectionsModule } from '../../modules/connections/index.js';
import { InboxModule } from '../../modules/inbox/index.js';
import { NodesModule } from '../../modules/nodes/index.js';
import { RoutingModule } from '../../modules/routing/index.js';
import { SessionsModule } from '../../modules/sessions/index.js';
import { Admission } from './admission.js';
import { ConnectionOpening } from './connection-opening.js';
import { Drain } from './drain.js';
import { Frames } from './frames.js';
import { LeftRegistrations } from './left-registrations.js';
import { Moves } from './moves.js';
import { NativeConnections } from './native-connections.js';
import { NativeGateway } from './native.gateway.js';
import { StoreLoss } from './store-loss.js';
import { NativeSettings } from './native.settings.js';

/**
 * The native websocket. Needs from its surroundings: `NativeSettings`, `UpgradeAuthenticator`, `ValidationKeys`, `Clock`, `StallGuard`,
 * `LoopLag`, `Lifecycle`, `Metrics`, `UpgradeClaims`; and the application needs `useNativeWebsockets(app)`.
 */
@Module({
  imports: [NodesModule, ConnectionsModule, InboxModule, SessionsModule, RoutingModule],
  providers: [
    Admission,
    NativeConnections,
    LeftRegistrations,
    ConnectionOpening,
    Frames,
    Moves,
    Drain,
    StoreLoss,
    NativeGateway,
  ],
  exports: [Admission, NativeConnections, Drain],
})
export class NativeGatewayModule {
  static forRoot(settings: NativeSettings): DynamicModule {
    return withSettings(NativeGatewayModule, NativeSettings, { useValue: settings });
  }

  static forRootAsync(settings: AsyncSettings<NativeSettings>): DynamicModule {
    return withSettings(NativeGatewayModule, NativeSettings, settings);
  }
}
