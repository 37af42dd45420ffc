import { z } from 'zod';
import {
  ADDRESS_WANTED,
  CLOSE_REASON_BYTES,
  ID_WANTED,
  isChosenId,
  isId,
  MAX_TYPE,
  Refusal,
} from '../../protocol/index.js';

/** The words that several calls share, as they stand on the wire. */

const WHOLE_WANTED = 'a whole number from 0 to 2^53 - 1';
const WHOLE_DOCUMENTED = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const;

export const ChosenId = z
  .string(ID_WANTED)
  .refine(isChosenId, ID_WANTED)
  .meta({ pattern: '^[A-Za-z0-9_\\-.:@][A-Za-z0-9_\\-.:~@]{0,127}$', examples: ['phone-7'] });

export const AnyId = z
  .string(ADDRESS_WANTED)
  .refine(isId, ADDRESS_WANTED)
  .meta({ pattern: '^[A-Za-z0-9_\\-.:~@]{1,128}$' });

export const ALIAS_WANTED = `${ADDRESS_WANTED}, beginning with ~`;

export const Alias = z
  .string(ALIAS_WANTED)
  .refine((value) => isId(value) && value.startsWith('~'), ALIAS_WANTED)
  .meta({ pattern: '^~[A-Za-z0-9_\\-.:~@]{0,127}$', examples: ['~Kq3vXn0bT1mZ8yR4cW6dUw'] });

/** What a refusal says of a body whose fields are all known. */
export const bodyWanted =
  (wanted: string) =>
  (issue: { readonly code?: string }): string | undefined =>
    issue.code === 'unrecognized_keys' ? undefined : wanted;

export const WholeNumber = z.int(WHOLE_WANTED).min(0, WHOLE_WANTED);

/** A whole number in a query. */
export const WholeNumberText = z
  .string(WHOLE_WANTED)
  .regex(/^\d{1,16}$/, WHOLE_WANTED)
  .transform(Number)
  .refine(Number.isSafeInteger, WHOLE_WANTED)
  .meta({ ...WHOLE_DOCUMENTED, pattern: undefined });

const REASON_WANTED = `a text of at most ${CLOSE_REASON_BYTES} bytes`;

export const CloseReason = z
  .string(REASON_WANTED)
  .refine((text) => Buffer.byteLength(text) <= CLOSE_REASON_BYTES, REASON_WANTED)
  .meta({
    description: `Reason text of the close frame; at most ${CLOSE_REASON_BYTES} bytes`,
    examples: ['signed out'],
  });

export const Milliseconds = WholeNumber.meta({ description: 'ms since 1970' });

export const MessageType = z.int().min(0).max(MAX_TYPE).meta({ description: 'The application’s own' });

const payload = z.unknown().optional().meta({ description: 'Any JSON value; arrives byte for byte as it was sent' });

export const limitWanted = (most: number): string => `wanted: an integer from 1 to ${most}`;

/** `limit` of a page as it was asked for; throws beyond its bounds. */
export function limitOf(limit: number | undefined, { usual, most }: { usual: number; most: number }): number {
  if (limit === undefined) return usual;
  if (limit >= 1 && limit <= most) return limit;
  throw new Refusal('invalid_field', { field: 'limit', reason: limitWanted(most) });
}

/** What a message carries, whichever way it goes. */
export const messageFields = {
  dest_id: AnyId.optional(),
  dest_client_id: AnyId.optional(),
  dest_session_id: AnyId.optional(),
  transient: z.boolean().optional(),
  payload,
  payload1: payload,
  payload2: payload,
};
