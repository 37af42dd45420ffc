import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { Request } from 'express';
import type { Observable } from 'rxjs';
import { Refusal } from '../../protocol/index.js';
import { querySchemaOf } from './route-list.js';

/** Each query parameter has to be known and may come once; looks at the address itself, whoever parsed it already. */
@Injectable()
export class QueryInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const schema = querySchemaOf(context.getClass(), context.getHandler().name);
    const { originalUrl } = context.switchToHttp().getRequest<Request>();
    refuseNames(originalUrl.split('?').slice(1).join('?'), Object.keys(schema?.shape ?? {}));
    return next.handle();
  }
}

function refuseNames(query: string, known: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of new URLSearchParams(query).keys()) {
    const field = name.slice(0, 128);
    if (!known.includes(name)) throw new Refusal('unknown_field', { field, reason: knownText(known) });
    if (seen.has(name)) throw new Refusal('invalid_field', { field, reason: 'wanted: each parameter once' });
    seen.add(name);
  }
}

function knownText(known: readonly string[]): string {
  return known.length > 0 ? `known are: ${known.join(', ')}` : 'this call takes no query parameter';
}
