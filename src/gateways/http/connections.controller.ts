import { Delete, Param, Query } from '@nestjs/common';
import { Roles } from '../../modules/auth/index.js';
import { ConnectionsService } from '../../modules/connections/index.js';
import { Disconnected, DisconnectQuery } from './connections.schema.js';
import { Describe } from './describe.js';
import { V1 } from './v1.js';
import { AnyId } from './wire.js';

@V1('connections')
export class ConnectionsController {
  constructor(private readonly connections: ConnectionsService) {}

  @Delete(':id')
  @Roles('app')
  @Describe({
    summary: 'Close one connection (app keys only)',
    text: 'With 4501, within seconds wherever it is. 0 for one that is not there.',
    answer: Disconnected,
    refusals: ['forbidden'],
  })
  async disconnect(
    @Param('id', { schema: AnyId }) connectionId: string,
    @Query({ schema: DisconnectQuery }) { reason }: DisconnectQuery,
  ): Promise<Disconnected> {
    return { closed: await this.connections.disconnect({ connectionId }, reason) };
  }
}
