import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { Request } from 'express';
import type { Observable } from 'rxjs';
import type { z } from 'zod';
import { FieldFaults } from './field-faults.js';
import { HttpSettings } from './http.settings.js';
import { querySchemaOf } from './route-list.js';
import { limitWanted } from './wire.js';

/** Each query parameter has to be known and may come once; looks at the address itself, whoever parsed it already. */
@Injectable()
export class QueryInterceptor implements NestInterceptor {
  constructor(private readonly settings: HttpSettings) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const schema = querySchemaOf(context.getClass(), context.getHandler().name);
    const { originalUrl } = context.switchToHttp().getRequest<Request>();
    const query = new URLSearchParams(originalUrl.split('?').slice(1).join('?'));
    const faults = new FieldFaults();
    addNames(faults, query, Object.keys(schema?.shape ?? {}));
    if (schema) this.addValues(faults, query, schema);
    faults.refuse();
    return next.handle();
  }

  /** The schema is asked again where the parameter is taken; here it tells what else is wrong beside the names. */
  private addValues(faults: FieldFaults, query: URLSearchParams, schema: z.ZodObject): void {
    faults.addIssues(schema.safeParse(Object.fromEntries(query)).error?.issues ?? []);
    const most = this.settings.pageMaxMessages;
    const limit = query.get('limit');
    if (limit === null || (Number(limit) >= 1 && Number(limit) <= most)) return;
    faults.add('invalid_field', 'limit', limitWanted(most));
  }
}

function addNames(faults: FieldFaults, query: URLSearchParams, known: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of query.keys()) {
    if (!known.includes(name)) faults.add('unknown_field', name, knownText(known));
    else if (seen.has(name)) faults.add('invalid_field', name, 'wanted: each parameter once');
    seen.add(name);
  }
}

function knownText(known: readonly string[]): string {
  return known.length > 0 ? `known are: ${known.join(', ')}` : 'this call takes no query parameter';
}
