import type { Destination, Refusal } from '../../protocol/index.js';
import type { LiveConnection } from '../connections/index.js';
import type { FailStop } from './fail-stop.js';

/** In whose name a message is sent, and by what right. */
export interface Sender {
  readonly nodeId: string;
  readonly clientId: string | null;
  /** A trusted backend: may name unknown nodes and sees presence. */
  readonly trusted: boolean;
  readonly failStop: FailStop;
  /** The connection that it came by, if any: it gets no copy of its own transient messages. */
  readonly connection?: LiveConnection;
}

/** What became of a message. `sent`: transient, nothing more will be heard of it. */
export type Answer =
  | { readonly kind: 'stored' | 'duplicate' | 'sent'; readonly id: string }
  | { readonly kind: 'refused'; readonly id: string; readonly refusal: Refusal; readonly destination: Destination };
