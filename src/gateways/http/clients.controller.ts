import { Get, Header, Param, Query } from '@nestjs/common';
import { Caller, type Identity } from '../../modules/auth/index.js';
import { Describe } from './describe.js';
import { SessionCalls } from './session-calls.js';
import { EntryBounds, EntryPage } from './sessions.schema.js';
import { V1 } from './v1.js';
import { ChosenId } from './wire.js';

@V1('clients')
export class ClientsController {
  constructor(private readonly sessions: SessionCalls) {}

  @Get(':id/messages')
  @Header('Content-Type', 'application/json; charset=utf-8')
  @Describe({
    summary: 'Read what was sent to a client, as one of its nodes or as an app',
    text: 'Bounds are exclusive, messages ascend by session_seq. With before only: the last ones.',
    answer: EntryPage,
    refusals: ['forbidden', 'node_unknown'],
  })
  messages(
    @Caller() caller: Identity,
    @Param('id', { schema: ChosenId }) clientId: string,
    @Query({ schema: EntryBounds }) bounds: EntryBounds,
  ): Promise<string> {
    return this.sessions.clientMessages(caller, clientId, bounds);
  }
}
