import { Module } from '@nestjs/common';
import { NodesModule } from '../nodes/index.js';
import { ConnectionsService } from './connections.service.js';

/** Needs from its surroundings: `Directory`, `ConnectionsSettings`, `Clock`. */
@Module({ imports: [NodesModule], providers: [ConnectionsService], exports: [ConnectionsService] })
export class ConnectionsModule {}
