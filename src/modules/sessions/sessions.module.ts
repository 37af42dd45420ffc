import { type DynamicModule, Module } from '@nestjs/common';
import { type AsyncSettings, withSettings } from '../../common/with-settings.js';
import { InboxModule } from '../inbox/index.js';
import { NodesModule } from '../nodes/index.js';
import { ClientsService } from './clients.service.js';
import { GroupsService } from './groups.service.js';
import { SessionsService } from './sessions.service.js';
import { SessionsSettings } from './sessions.settings.js';

/** Needs from its surroundings: `InboxLog`, `GroupLog`, `InboxSettings`, `SessionsSettings`, `StoreClock`, `StallGuard`. */
@Module({
  imports: [NodesModule, InboxModule],
  providers: [GroupsService, SessionsService, ClientsService],
  exports: [GroupsService, SessionsService, ClientsService],
})
export class SessionsModule {
  static forRoot(settings: SessionsSettings): DynamicModule {
    return withSettings(SessionsModule, SessionsSettings, { useValue: settings });
  }

  static forRootAsync(settings: AsyncSettings<SessionsSettings>): DynamicModule {
    return withSettings(SessionsModule, SessionsSettings, settings);
  }
}
