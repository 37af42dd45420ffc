import { Get, Param } from '@nestjs/common';
import { Roles } from '../../modules/auth/index.js';
import { Describe } from './describe.js';
import { NodeViews } from './node-views.js';
import { Node } from './nodes.schema.js';
import { V1 } from './v1.js';
import { ChosenId } from './wire.js';

@V1('nodes')
export class NodesController {
  constructor(private readonly nodes: NodeViews) {}

  @Get(':id')
  @Roles('app')
  @Describe({ summary: 'Look at a node (app keys only)', answer: Node, refusals: ['forbidden', 'node_unknown'] })
  view(@Param('id', { schema: ChosenId }) nodeId: string): Promise<Node> {
    return this.nodes.view(nodeId);
  }
}
