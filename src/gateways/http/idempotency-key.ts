import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import { z } from 'zod';
import { Refusal } from '../../protocol/index.js';

const HEADER = 'idempotency-key';
const WANTED = '1 to 128 printable ASCII characters, once';
const PRINTABLE = /^[\x20-\x7e]{1,128}$/;

/** As the description of the API shows it. */
export const IdempotencyKeyHeader = {
  'Idempotency-Key': z
    .string()
    .meta({ pattern: '^[ -~]{1,128}$', examples: ['room-7-first-try'] })
    .describe(
      'For DEDUPE_WINDOW_MS (24 h by default) the same call under the same key gets the same answer and creates nothing again',
    ),
};

/** The parameter is the key under which the caller may repeat the call; `undefined` without the header. */
export const IdempotencyKey = createParamDecorator((_data: unknown, context: ExecutionContext): string | undefined =>
  keyIn(context.switchToHttp().getRequest<Request>()),
);

/** Of the header lines themselves: joined, two of them would look like one. */
function keyIn({ headersDistinct }: Request): string | undefined {
  const [key, ...others] = headersDistinct[HEADER] ?? [];
  if (key === undefined) return undefined;
  if (others.length === 0 && PRINTABLE.test(key)) return key;
  throw new Refusal('invalid_field', { field: HEADER, reason: `wanted: ${WANTED}` });
}
