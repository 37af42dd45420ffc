import type { IncomingMessage } from 'node:http';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Refusal } from '../../protocol/index.js';
import { BearerStrategy } from './bearer.strategy.js';
import { CallerSeen } from './caller-seen.js';
import { setCaller } from './caller.js';
import { FailedAuthentications } from './failed-authentications.js';
import type { Identity } from './identity.js';

/**
 * Lets a request with a valid auth key pass; every other one ends with the same `Refusal('unauthorized')`, and from an
 * address that shows too many invalid keys with `Refusal('rate_limited')`, before its key is looked at.
 */
@Injectable()
export class BearerGuard implements CanActivate {
  constructor(
    private readonly strategy: BearerStrategy,
    private readonly callers: CallerSeen,
    private readonly failures: FailedAuthentications,
  ) {}

  async canActivate(context: ExecutionContext): Promise<true> {
    const request = context.switchToHttp().getRequest<IncomingMessage>();
    const identity = await this.identify(request);
    await this.callers.seen(identity);
    setCaller(request, identity);
    return true;
  }

  private async identify(request: IncomingMessage): Promise<Identity> {
    if (request.headers.authorization === undefined) throw new Refusal('unauthorized');
    this.failures.refuseFlooding(request);
    try {
      return await this.strategy.decide(request);
    } catch (error) {
      if (error instanceof Refusal) this.failures.add(request);
      throw error;
    }
  }
}
