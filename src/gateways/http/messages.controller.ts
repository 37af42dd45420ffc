import { Body, HttpCode, Post } from '@nestjs/common';
import { Caller, type Identity } from '../../modules/auth/index.js';
import { TakesBody } from './body.interceptor.js';
import { KeepsOwnDeadline } from './deadline.interceptor.js';
import { Describe } from './describe.js';
import { MessageBatches } from './message-batches.js';
import { Batch, BatchRequest, BatchResults } from './messages.schema.js';
import { V1 } from './v1.js';

@V1('messages')
export class MessagesController {
  constructor(private readonly batches: MessageBatches) {}

  @Post()
  @HttpCode(200)
  @TakesBody('batch')
  @KeepsOwnDeadline()
  @Describe({
    summary: 'Send messages',
    text: 'Each message has a result of its own; one that is refused does not fail the call.',
    body: BatchRequest,
    answer: BatchResults,
  })
  send(@Caller() caller: Identity, @Body({ schema: Batch }) { messages }: Batch): Promise<BatchResults> {
    return this.batches.send(caller, messages);
  }
}
