import { entryBody, frameOfEntry, knownOfEntry } from '../inbox/index.js';
import type { Terms } from './sessions.types.js';

/** A node that takes a seat. */
export interface Seating {
  readonly nodeId: string;
  /** What the others know it by; null for a visible one. */
  readonly alias: string | null;
  /** Of a client's node: `iat` of the key that names the client. */
  readonly issuedAt?: number;
}

/** One time of a node in a group, as an entry names it. */
export interface Receiver {
  readonly nodeId: string;
  readonly joined: number;
}

/** What happened in a group. The frame is what its members are sent; an entry with an empty one is sent to nobody. */
export type Entry =
  | { readonly kind: 'created'; readonly terms?: Terms; readonly seats: readonly Seating[]; readonly frame: '' }
  | {
      readonly kind: 'message';
      readonly from: string;
      /** Nobody but this one gets it. */
      readonly to?: Receiver;
      /** Nobody but the two may ever read it. */
      readonly isPrivate?: boolean;
      readonly report?: boolean;
      readonly frame: string;
    }
  | { readonly kind: 'joined'; readonly seat: Seating; readonly frame: string }
  | { readonly kind: 'left'; readonly nodeId: string; readonly issuedAt?: number; readonly frame: string }
  | { readonly kind: 'revealed'; readonly nodeId: string; readonly frame: string }
  | { readonly kind: 'ended'; readonly frame: string }
  /** Something that was so already: it fences whoever decided before it. */
  | { readonly kind: 'unchanged'; readonly nodeId: string; readonly issuedAt?: number; readonly frame: '' };

/** Whether what follows must be decided on another membership. */
export function changesMembers({ kind }: Entry): boolean {
  return kind !== 'message';
}

/** As the body of a row of the group's log. */
export function encodeEntry({ frame, ...known }: Entry): string {
  return entryBody(JSON.stringify(known), frame);
}

export function decodeEntry(body: string): Entry {
  const known = JSON.parse(knownOfEntry(body)) as Omit<Entry, 'frame'>;
  return { ...known, frame: frameOfEntry(body) } as Entry;
}
