import { Module } from '@nestjs/common';
import { NodesService } from './nodes.service.js';
import { ServerNode } from './server-node.js';

/** Needs from its surroundings: `NodeRegistry`, `ServerNodes`, `Clock`. */
@Module({ providers: [NodesService, ServerNode], exports: [NodesService, ServerNode] })
export class NodesModule {}
