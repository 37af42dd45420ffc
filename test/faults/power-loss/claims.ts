import { Holdings } from './holdings.js';
import type { Look } from './images.js';
import type { SpokenFrame } from './server-frames.js';
import type { Sent } from './traffic.js';

/** Something that the server told, and that a power loss must not make untrue; from `at` on somebody may know it. */
export type Claim =
  | MessageClaim
  | { readonly at: number; readonly kind: 'tail' | 'acked'; readonly node: string; readonly seq: number }
  | { readonly at: number; readonly kind: 'epoch'; readonly epoch: string };

export interface MessageClaim {
  readonly at: number;
  readonly kind: 'receipt' | 'duplicate' | 'delivery';
  readonly message: Sent;
  /** Of a delivery: in whose inbox, and where; of a session's message where in the session too. */
  readonly to?: string;
  readonly seq?: number;
  readonly entry?: number;
}

/** All that the frames claim, in their order. */
export function claimsOf(frames: readonly SpokenFrame[], sent: ReadonlyMap<string, Sent>): Claim[] {
  const claims: Claim[] = [];
  const nodes = new Map<string, string>();
  for (const { at, frame, socket } of frames) {
    const message = sent.get(String(frame['id']));
    if (frame['type'] === -110) nodes.set(socket, String(frame['node_id']));
    if (frame['type'] === -110) claims.push(...claimsOfHello(at, frame));
    else if (message && frame['type'] === -112 && frame['status'] === 'stored')
      claims.push({ at, kind: 'receipt', message });
    else if (message && frame['type'] === -112) claims.push({ at, kind: 'duplicate', message });
    else if (message && typeof frame['seq'] === 'number') {
      const to = nodes.get(socket) ?? '';
      claims.push({ at, kind: 'delivery', message, to, seq: frame['seq'], entry: Number(frame['session_seq']) });
    }
  }
  return claims;
}

function claimsOfHello(at: number, hello: SpokenFrame['frame']): Claim[] {
  const node = String(hello['node_id']);
  return [
    { at, kind: 'tail', node, seq: Number(hello['tail_seq']) },
    { at, kind: 'acked', node, seq: Number(hello['acked_seq']) },
    { at, kind: 'epoch', epoch: String(hello['epoch']) },
  ];
}

/** What of the claims is not true of the store. */
export function untrue(claims: readonly Claim[], look: Look): string[] {
  if ('error' in look) return [`the store does not open: ${look.error}`];
  const store = new Holdings(look);
  const { tails } = store;
  const wrong = claims.filter((claim) => {
    if (claim.kind === 'epoch') return claim.epoch !== look.epoch;
    if ('node' in claim) {
      const known = claim.kind === 'tail' ? tails.get(`n:${claim.node}`) : look.acked[`n:${claim.node}`];
      return claim.seq > (known ?? 0);
    }
    return !(claim.message.members ? store.holdsInSession(claim) : store.holds(claim));
  });
  return [...wrong.map(nameOf), ...(look.takes ? [] : ['the store takes no more'])];
}

function nameOf(claim: Claim): string {
  if (claim.kind === 'epoch') return `the epoch ${claim.epoch} is gone`;
  if ('node' in claim) return `${claim.kind} ${claim.seq} of ${claim.node} is gone`;
  return `${claim.kind} of ${claim.message.id} to ${claim.message.dest}: gone or another`;
}
