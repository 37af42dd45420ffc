import { Module } from '@nestjs/common';
import { InboxModule } from '../inbox/index.js';
import { NodesModule } from '../nodes/index.js';
import { ClientsService } from './clients.service.js';
import { GroupsService } from './groups.service.js';
import { SessionsService } from './sessions.service.js';

/** Needs from its surroundings: `InboxLog`, `GroupLog`, `InboxSettings`, `SessionsSettings`, `Clock`, `StallGuard`. */
@Module({
  imports: [NodesModule, InboxModule],
  providers: [GroupsService, SessionsService, ClientsService],
  exports: [GroupsService, SessionsService, ClientsService],
})
export class SessionsModule {}
