import { Module } from '@nestjs/common';
import { ConnectionsModule } from '../connections/index.js';
import { InboxModule } from '../inbox/index.js';
import { NodesModule } from '../nodes/index.js';
import { SessionsModule } from '../sessions/index.js';
import { RoutingService } from './routing.service.js';

/** Needs from its surroundings: `StoreHealth`, `RoutingSettings`, `Clock`. */
@Module({
  imports: [NodesModule, ConnectionsModule, InboxModule, SessionsModule],
  providers: [RoutingService],
  exports: [RoutingService],
})
export class RoutingModule {}
