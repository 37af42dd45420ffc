import { Delete, Get, Param, Query } from '@nestjs/common';
import { Roles } from '../../modules/auth/index.js';
import { ConnectionsService } from '../../modules/connections/index.js';
import { Disconnected, DisconnectQuery } from './connections.schema.js';
import { Describe } from './describe.js';
import { NodeViews } from './node-views.js';
import { Node } from './nodes.schema.js';
import { V1 } from './v1.js';
import { ChosenId } from './wire.js';

@V1('nodes')
export class NodesController {
  constructor(
    private readonly nodes: NodeViews,
    private readonly connections: ConnectionsService,
  ) {}

  @Get(':id')
  @Roles('app')
  @Describe({ summary: 'Look at a node (app keys only)', answer: Node, refusals: ['forbidden', 'node_unknown'] })
  view(@Param('id', { schema: ChosenId }) nodeId: string): Promise<Node> {
    return this.nodes.view(nodeId);
  }

  @Delete(':id/connections')
  @Roles('app')
  @Describe({
    summary: 'Disconnect a node (app keys only)',
    text: 'Closes with 4501, within seconds in the whole cluster. Its keys stay good: revoke them to keep it away.',
    answer: Disconnected,
    refusals: ['forbidden'],
  })
  async disconnect(
    @Param('id', { schema: ChosenId }) nodeId: string,
    @Query({ schema: DisconnectQuery }) { reason }: DisconnectQuery,
  ): Promise<Disconnected> {
    return { closed: await this.connections.disconnect({ nodeId }, reason) };
  }
}
