import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { Refusal } from '../../protocol/index.js';
import type { Identity } from './identity.js';

const IDENTITY = Symbol('identity');

/** A symbol, because `user` belongs to the application that the modules live in, and no log prints it by accident. */
interface IdentifiedRequest {
  [IDENTITY]?: Identity;
}

export function setCaller(request: object, identity: Identity): void {
  (request as IdentifiedRequest)[IDENTITY] = identity;
}

/** The identity that `BearerGuard` found; throws `Refusal('unauthorized')` when that guard did not run. */
export function callerOf(request: object): Identity {
  const identity = (request as IdentifiedRequest)[IDENTITY];
  if (!identity) throw new Refusal('unauthorized');
  return identity;
}

/** The parameter is the caller's `Identity`. */
export const Caller = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  callerOf(context.switchToHttp().getRequest<object>()),
);
