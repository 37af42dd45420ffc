import { type DynamicModule, Module } from '@nestjs/common';
import { type AsyncSettings, withSettings } from '../../common/with-settings.js';
import { ForcedEndsModule } from '../auth/index.js';
import { NodesModule } from '../nodes/index.js';
import { ConnectionHooks } from './connections.hooks.js';
import { ConnectionsService } from './connections.service.js';
import { ConnectionsSettings } from './connections.settings.js';
import { Registrations } from './registrations.js';

/** Needs from its surroundings: `Directory`, `EndOrders`, `ConnectionsSettings`, `Clock`, and what `NodesModule` needs. */
@Module({
  imports: [NodesModule, ForcedEndsModule],
  providers: [ConnectionsService, ConnectionHooks, Registrations],
  exports: [ConnectionsService, ConnectionHooks, Registrations],
})
export class ConnectionsModule {
  static forRoot(settings: ConnectionsSettings): DynamicModule {
    return withSettings(ConnectionsModule, ConnectionsSettings, { useValue: settings });
  }

  static forRootAsync(settings: AsyncSettings<ConnectionsSettings>): DynamicModule {
    return withSettings(ConnectionsModule, ConnectionsSettings, settings);
  }
}
