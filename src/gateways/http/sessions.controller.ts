import { Body, Delete, Get, Header, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Caller, type Identity } from '../../modules/auth/index.js';
import { TakesBody } from './body.interceptor.js';
import { Describe } from './describe.js';
import { IdempotencyKey, IdempotencyKeyHeader } from './idempotency-key.js';
import { SessionCalls } from './session-calls.js';
import {
  EntryBounds,
  EntryPage,
  JoinRequest,
  MembersQuery,
  Membership,
  RevealRequest,
  Session,
  SessionList,
  SessionListQuery,
  SessionNamed,
  SessionRequest,
  UnjoinRequest,
} from './sessions.schema.js';
import { V1 } from './v1.js';
import { ChosenId } from './wire.js';

const OUTSIDE = ['session_denied', 'session_unknown'] as const;

@V1('sessions')
export class SessionsController {
  constructor(private readonly sessions: SessionCalls) {}

  @Post()
  @TakesBody('optional object')
  @Describe({
    summary: 'Create a session',
    text: 'A node is its owner and first member; an app is its owner and no member.',
    status: 201,
    answer: Session,
    bodyOptional: true,
    headers: IdempotencyKeyHeader,
    refusals: ['forbidden', 'node_unknown', 'session_exists', 'id_conflict', 'alias_taken', 'too_many_members'],
  })
  create(
    @Caller() caller: Identity,
    @Body({ schema: SessionRequest }) request: SessionRequest,
    @IdempotencyKey() key: string | undefined,
  ): Promise<Session> {
    return this.sessions.create(caller, request, key);
  }

  @Get()
  @Describe({ summary: 'List the sessions that one is a member of', answer: SessionList })
  list(@Caller() caller: Identity, @Query({ schema: SessionListQuery }) query: SessionListQuery): Promise<SessionList> {
    return this.sessions.list(caller, query);
  }

  @Get(':id')
  @Describe({
    summary: 'Look at a session, as its member or as an app',
    text: 'Anonymous members appear by alias; an app sees their node too. 200 members a page.',
    answer: Session,
    refusals: OUTSIDE,
  })
  view(
    @Caller() caller: Identity,
    @Param('id', { schema: ChosenId }) sessionId: string,
    @Query({ schema: MembersQuery }) { members_cursor: cursor }: MembersQuery,
  ): Promise<Session> {
    return this.sessions.view(caller, sessionId, cursor);
  }

  @Get(':id/messages')
  @Header('Content-Type', 'application/json; charset=utf-8')
  @Describe({
    summary: 'Read what a session holds, as its member or as an app',
    text: 'Bounds are exclusive, messages ascend by session_seq. With before only: the last ones.',
    answer: EntryPage,
    refusals: OUTSIDE,
  })
  messages(
    @Caller() caller: Identity,
    @Param('id', { schema: ChosenId }) sessionId: string,
    @Query({ schema: EntryBounds }) bounds: EntryBounds,
  ): Promise<string> {
    return this.sessions.messages(caller, sessionId, bounds);
  }

  @Post(':id/join')
  @HttpCode(200)
  @TakesBody('optional object')
  @Describe({
    summary: 'Join a session, or add another node to it',
    text: 'A second join answers the same and changes nothing.',
    answer: Membership,
    bodyOptional: true,
    refusals: [...OUTSIDE, 'forbidden', 'anonymous_present', 'node_unknown', 'alias_taken', 'too_many_members'],
  })
  join(
    @Caller() caller: Identity,
    @Param('id', { schema: ChosenId }) sessionId: string,
    @Body({ schema: JoinRequest }) request: JoinRequest,
  ): Promise<Membership> {
    return this.sessions.join(caller, sessionId, request);
  }

  @Post(':id/unjoin')
  @HttpCode(200)
  @TakesBody('optional object')
  @Describe({
    summary: 'Leave a session, or take another member out of it',
    answer: SessionNamed,
    bodyOptional: true,
    refusals: [...OUTSIDE, 'forbidden', 'member_unknown'],
  })
  unjoin(
    @Caller() caller: Identity,
    @Param('id', { schema: ChosenId }) sessionId: string,
    @Body({ schema: UnjoinRequest }) request: UnjoinRequest,
  ): Promise<SessionNamed> {
    return this.sessions.unjoin(caller, sessionId, request);
  }

  @Post(':id/reveal')
  @HttpCode(200)
  @TakesBody('optional object')
  @Describe({
    summary: 'Show the other members one’s node, as an anonymous member',
    answer: Membership,
    bodyOptional: true,
    refusals: [...OUTSIDE, 'member_unknown'],
  })
  reveal(
    @Caller() caller: Identity,
    @Param('id', { schema: ChosenId }) sessionId: string,
    @Body({ schema: RevealRequest }) _nothing: RevealRequest,
  ): Promise<Membership> {
    return this.sessions.reveal(caller, sessionId);
  }

  @Delete(':id')
  @Describe({
    summary: 'End a session, as its owner or as an app',
    answer: SessionNamed,
    refusals: [...OUTSIDE, 'forbidden'],
  })
  end(@Caller() caller: Identity, @Param('id', { schema: ChosenId }) sessionId: string): Promise<SessionNamed> {
    return this.sessions.end(caller, sessionId);
  }
}
