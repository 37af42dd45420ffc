import { Body, Get, Header, HttpCode, Post, Query } from '@nestjs/common';
import { Caller, type Identity } from '../../modules/auth/index.js';
import { TakesBody } from './body.interceptor.js';
import { Describe } from './describe.js';
import { InboxCalls } from './inbox-calls.js';
import { Acknowledged, Acknowledgement, InboxBounds, InboxPage } from './inbox.schema.js';
import { V1 } from './v1.js';

@V1('inbox')
export class InboxController {
  constructor(private readonly inbox: InboxCalls) {}

  @Get()
  @Header('Content-Type', 'application/json; charset=utf-8')
  @Describe({
    summary: 'Read one’s own inbox',
    text: 'Bounds are exclusive, messages ascend. With before_* only: the last ones. complete tells whether all came.',
    answer: InboxPage,
  })
  page(@Caller() caller: Identity, @Query({ schema: InboxBounds }) bounds: InboxBounds): Promise<string> {
    return this.inbox.page(caller, bounds);
  }

  @Post('ack')
  @HttpCode(200)
  @TakesBody('object')
  @Describe({
    summary: 'Acknowledge everything up to a seq of one’s own inbox',
    answer: Acknowledged,
    refusals: ['epoch_changed'],
  })
  acknowledge(
    @Caller() caller: Identity,
    @Body({ schema: Acknowledgement }) acknowledgement: Acknowledgement,
  ): Promise<Acknowledged> {
    return this.inbox.acknowledge(caller, acknowledgement);
  }
}
