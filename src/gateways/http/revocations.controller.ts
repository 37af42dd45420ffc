import { Body, Post } from '@nestjs/common';
import { type KeyHolder, Revocations, Roles } from '../../modules/auth/index.js';
import { TakesBody } from './body.interceptor.js';
import { Describe } from './describe.js';
import { holdersIn, Revocation, RevocationRequest } from './revocations.schema.js';
import { V1 } from './v1.js';

@V1('revocations')
export class RevocationsController {
  constructor(private readonly revocations: Revocations) {}

  @Post()
  @Roles('app')
  @TakesBody('object')
  @Describe({
    summary: 'Take back the keys of a node, of a client, or of a signing key (app keys only)',
    text:
      'All keys whose iat is not later than this second are refused, and what they opened is closed with 4500, within ' +
      'seconds in the whole cluster. Keys that are issued later are good.',
    status: 201,
    answer: Revocation,
    refusals: ['forbidden', 'rate_limited'],
  })
  async revoke(@Body({ schema: RevocationRequest }) request: RevocationRequest): Promise<Revocation> {
    const { reason, ...named } = request;
    const [holder] = holdersIn(request) as [KeyHolder];
    return { ...named, issued_before: await this.revocations.revoke(holder, reason) };
  }
}
