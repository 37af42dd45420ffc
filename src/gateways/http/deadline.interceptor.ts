import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor, SetMetadata } from '@nestjs/common';
import { Observable, race } from 'rxjs';
import { Clock } from '../../common/clock.js';
import { Refusal } from '../../protocol/index.js';
import { HttpSettings } from './http.settings.js';

const OWN_DEADLINE = 'allspark:own-deadline';

/** The call sees to it by itself that it answers in time. */
export const KeepsOwnDeadline = (): MethodDecorator => SetMetadata(OWN_DEADLINE, true);

/** A call that waits too long for the store is answered; what it asked for may have happened or not. */
@Injectable()
export class DeadlineInterceptor implements NestInterceptor {
  constructor(
    private readonly clock: Clock,
    private readonly settings: HttpSettings,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (Reflect.getMetadata(OWN_DEADLINE, context.getHandler())) return next.handle();
    return race(next.handle(), this.deadline());
  }

  private deadline(): Observable<never> {
    return new Observable((waiting) => {
      const timer = this.clock.after(this.settings.deadlineMs, () => waiting.error(tooLate()));
      return () => timer.cancel();
    });
  }
}

function tooLate(): Refusal {
  return new Refusal('retry_later', { reason: 'no answer from the store in time' });
}
