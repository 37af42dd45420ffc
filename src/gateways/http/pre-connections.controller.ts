import { Body, Post, UseGuards } from '@nestjs/common';
import { Caller, type Identity } from '../../modules/auth/index.js';
import { TakesBody } from './body.interceptor.js';
import { Describe } from './describe.js';
import { NewcomerGuard } from './newcomer.guard.js';
import { PreConnection, PreConnectionRequest } from './pre-connections.schema.js';
import { PreConnections } from './pre-connections.js';
import { V1 } from './v1.js';

@V1('pre-connections')
@UseGuards(NewcomerGuard)
export class PreConnectionsController {
  constructor(private readonly preConnections: PreConnections) {}

  @Post()
  @TakesBody('optional object')
  @Describe({
    summary: 'Ask where to open a websocket, and for the key to do it',
    status: 201,
    answer: PreConnection,
    bodyOptional: true,
    refusals: ['no_server_node'],
  })
  open(
    @Caller() caller: Identity,
    @Body({ schema: PreConnectionRequest }) request: PreConnectionRequest,
  ): Promise<PreConnection> {
    return this.preConnections.open(caller, request);
  }
}
