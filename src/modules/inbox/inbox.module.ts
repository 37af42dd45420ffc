import { type DynamicModule, Module } from '@nestjs/common';
import { type AsyncSettings, withSettings } from '../../common/with-settings.js';
import { NodesModule } from '../nodes/index.js';
import { InboxHooks } from './inbox.hooks.js';
import { InboxService } from './inbox.service.js';
import { InboxSettings } from './inbox.settings.js';

/** Needs from its surroundings: `InboxLog`, `InboxSettings`, `StoreClock`, `StallGuard`; `Metrics` if there is one. */
@Module({ imports: [NodesModule], providers: [InboxService, InboxHooks], exports: [InboxService, InboxHooks] })
export class InboxModule {
  static forRoot(settings: InboxSettings): DynamicModule {
    return withSettings(InboxModule, InboxSettings, { useValue: settings });
  }

  static forRootAsync(settings: AsyncSettings<InboxSettings>): DynamicModule {
    return withSettings(InboxModule, InboxSettings, settings);
  }
}
