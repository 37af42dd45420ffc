import { Injectable, SetMetadata, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Refusal } from '../../protocol/index.js';
import { callerOf } from './caller.js';
import type { Role } from './identity.js';

const ALLOWED_ROLES = 'allspark:roles';

/** Who may call: the handler's list wins over the controller's; without one every valid key may. */
export const Roles = (...roles: Role[]): MethodDecorator & ClassDecorator => SetMetadata(ALLOWED_ROLES, roles);

/** Whether a role stands in the list; admin may all that app may. */
export function isAllowed(role: Role, allowed: readonly Role[]): boolean {
  return allowed.includes(role) || (role === 'admin' && allowed.includes('app'));
}

/** Runs behind `BearerGuard`; throws `Refusal('forbidden')`. */
@Injectable()
export class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): true {
    const allowed = this.reflector.getAllAndOverride<Role[] | undefined>(ALLOWED_ROLES, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (!allowed) return true;
    const { role } = callerOf(context.switchToHttp().getRequest<object>());
    if (!isAllowed(role, allowed)) throw new Refusal('forbidden');
    return true;
  }
}
