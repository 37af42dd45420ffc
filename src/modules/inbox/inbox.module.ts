import { Module } from '@nestjs/common';
import { NodesModule } from '../nodes/index.js';
import { InboxService } from './inbox.service.js';

/** Needs from its surroundings: `InboxLog`, `InboxSettings`, `Clock`, `StallGuard`. */
@Module({ imports: [NodesModule], providers: [InboxService], exports: [InboxService] })
export class InboxModule {}
