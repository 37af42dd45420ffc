import { HttpException, HttpStatus } from '@nestjs/common';
import { z } from 'zod';
import { StoreUnavailable } from '../../modules/inbox/index.js';
import { MAX_FIELD_FAULTS, REFUSALS, Refusal, type RefusalCode } from '../../protocol/index.js';
import { WholeNumber } from './wire.js';

const Code = z.enum(Object.keys(REFUSALS) as [RefusalCode, ...RefusalCode[]]);

const FieldFault = z.object({ field: z.string(), code: Code, detail: z.string() }).meta({ id: 'FieldFault' });

/** Every refusal over HTTP. */
export const Problem = z
  .object({
    type: z.string().meta({ examples: ['urn:allspark:problem:invalid_field'] }),
    title: z.string(),
    status: WholeNumber,
    code: Code,
    detail: z.string().meta({ description: 'What was wanted, for people' }),
    request_id: z.string().meta({ description: 'Names the call in the log; also in the header x-request-id' }),
    field: z.string().optional().meta({ description: 'The field that is wrong; the first of them' }),
    fields: z
      .array(FieldFault)
      .optional()
      .meta({ description: `Each field that is wrong, at most ${MAX_FIELD_FAULTS}; there when field is there` }),
    retry_after_ms: WholeNumber.optional().meta({
      description: 'Only with 429 and 503: try the same again after this',
    }),
    reasons: z.array(z.string()).optional().meta({ description: 'Only from /readyz: why not' }),
  })
  .meta({ id: 'Problem', description: 'New codes may be added: judge an unknown one by its status.' });

const BY_STATUS: ReadonlyMap<number, RefusalCode> = new Map<number, RefusalCode>([
  [HttpStatus.UNAUTHORIZED, 'unauthorized'],
  [HttpStatus.FORBIDDEN, 'forbidden'],
  [HttpStatus.NOT_FOUND, 'not_found'],
  [HttpStatus.METHOD_NOT_ALLOWED, 'method_not_allowed'],
  [HttpStatus.PAYLOAD_TOO_LARGE, 'too_large'],
  [HttpStatus.UNSUPPORTED_MEDIA_TYPE, 'unsupported_media_type'],
  [HttpStatus.TOO_MANY_REQUESTS, 'rate_limited'],
]);

/** The refusal that an error means to the outside; `undefined` for one that nobody foresaw. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error;
  if (error instanceof StoreUnavailable) return new Refusal('retry_later', { reason: 'the store does not answer' });
  if (!(error instanceof HttpException)) return undefined;
  const status: number = error.getStatus();
  const code = BY_STATUS.get(status);
  if (code) return new Refusal(code);
  // What the framework could not read, such as a path that is not percent-encoded text.
  return status >= 400 && status < 500
    ? new Refusal('invalid_field', { reason: 'the request is malformed' })
    : undefined;
}
