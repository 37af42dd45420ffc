import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { callerOf } from '../../modules/auth/index.js';
import { NodeRates } from './node-rates.js';

/** Runs behind `BearerGuard`, before anything of the call is read. */
@Injectable()
export class CallRateGuard implements CanActivate {
  constructor(private readonly rates: NodeRates) {}

  canActivate(context: ExecutionContext): true {
    this.rates.call(callerOf(context.switchToHttp().getRequest<object>()));
    return true;
  }
}
