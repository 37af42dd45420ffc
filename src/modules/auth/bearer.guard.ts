import type { IncomingMessage } from 'node:http';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { BearerStrategy } from './bearer.strategy.js';
import { CallerSeen } from './caller-seen.js';
import { setCaller } from './caller.js';

/** Lets a request with a valid auth key pass; every other one ends with the same `Refusal('unauthorized')`. */
@Injectable()
export class BearerGuard implements CanActivate {
  constructor(
    private readonly strategy: BearerStrategy,
    private readonly callers: CallerSeen,
  ) {}

  async canActivate(context: ExecutionContext): Promise<true> {
    const request = context.switchToHttp().getRequest<IncomingMessage>();
    const identity = await this.strategy.decide(request);
    await this.callers.seen(identity);
    setCaller(request, identity);
    return true;
  }
}
