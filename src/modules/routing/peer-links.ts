import type { ReadableRow } from '../inbox/index.js';

/** A row that a server node tells another of. */
export type HintedRow = ReadableRow;

/** A frame that was handed on more often goes no further, whatever a server node believes of another. */
export const MAX_HOPS = 1;

/**
 * What one server node tells another. All of it may be lost without harm: what is durable is in the store, where the
 * reader's poll finds it, and nothing else was promised to arrive.
 */
export type PeerFrame =
  /** Rows that were committed, for readers that the peer was thought to hold. Many of them may share one body. */
  | { readonly kind: 'rows'; readonly rows: readonly HintedRow[] }
  /** There are rows up to `n`: the reader gets them from the store. Never handed on a second time. */
  | { readonly kind: 'notices'; readonly notices: readonly Notice[] }
  /** A frame for all connections of these nodes. `hops`: how often it was handed on. */
  | {
      readonly kind: 'frame';
      readonly nodeIds: readonly string[];
      readonly frame: string;
      readonly hops: number;
    }
  /** These nodes have no connection here, or none that stays: whoever believes it has to look again. */
  | { readonly kind: 'moved'; readonly nodeIds: readonly string[] };

export interface Notice {
  readonly nodeId: string;
  readonly n: number;
}

export interface PeerListener {
  /** In the order in which the peer sent them over one link. Rows that were sent as one frame may come as several. */
  received(from: string, frame: PeerFrame): void;
  /**
   * A link to or from that peer was opened, for the first time or again, or is gone: what was sent meanwhile may be lost.
   * The two ways between two server nodes are two links, so that both may be told of.
   */
  changed(serverNodeId: string, state: 'up' | 'down'): void;
}

/** Ways to the other server nodes of the cluster. */
export abstract class PeerLinks {
  /** At most one: whoever routes. A second one is an error. */
  abstract listen(listener: PeerListener): void;

  /**
   * Queues a frame for a server node, whose link is opened when it is first needed. Never throws, never blocks; what is
   * queued in one turn of the event loop leaves together, in its order. False: it was dropped, because the peer is not
   * known (the own server node is no peer), is known to be unreachable, or too much waits for it already, or because the
   * frame was handed on too often or is too big. The listener is never called meanwhile.
   */
  abstract send(serverNodeId: string, frame: PeerFrame): boolean;
}
