import { Module } from '@nestjs/common';
import { NodesService } from './nodes.service.js';
import { ServerNode } from './server-node.js';

/** Has nothing to set: it is imported as it is. Needs from its surroundings: `NodeRegistry`, `ServerNodes`, `Clock`. */
@Module({ providers: [NodesService, ServerNode], exports: [NodesService, ServerNode] })
export class NodesModule {}
