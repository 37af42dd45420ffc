import { z } from 'zod';
import type { KeyHolder } from '../../modules/auth/index.js';
import { bodyWanted, ChosenId, CloseReason, Milliseconds } from './wire.js';

const HOLDER_WANTED = 'exactly one of node_id, client_id, kid';
const KID_WANTED = 'a text of 1 to 256 characters';

const holder = {
  node_id: ChosenId.optional(),
  client_id: ChosenId.optional(),
  kid: z.string(KID_WANTED).min(1, KID_WANTED).max(256, KID_WANTED).optional(),
};

interface Named {
  readonly node_id?: string | undefined;
  readonly client_id?: string | undefined;
  readonly kid?: string | undefined;
}

export const RevocationRequest = z
  .strictObject(
    { ...holder, reason: CloseReason.optional() },
    { error: bodyWanted('a JSON object with node_id, client_id or kid, reason?') },
  )
  .refine((request) => holdersIn(request).length === 1, HOLDER_WANTED)
  .meta({ id: 'RevocationRequest', description: HOLDER_WANTED, examples: [{ node_id: 'bob-phone', reason: 'lost' }] });

export const Revocation = z
  .object({
    ...holder,
    issued_before: Milliseconds.meta({ description: 'Keys with an earlier iat are refused; ms since 1970' }),
  })
  .meta({ id: 'Revocation', examples: [{ node_id: 'bob-phone', issued_before: 1767225601000 }] });

export type RevocationRequest = z.infer<typeof RevocationRequest>;
export type Revocation = z.infer<typeof Revocation>;

/** Whose keys are meant. */
export function holdersIn({ node_id: node, client_id: client, kid }: Named): KeyHolder[] {
  const named = Object.entries({ node, client, kid }) as Array<[KeyHolder['by'], string | undefined]>;
  return named.flatMap(([by, id]) => (id === undefined ? [] : [{ by, id }]));
}
