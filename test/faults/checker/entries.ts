/** When it happened on this machine's monotonic clock, ms; all processes of a run share that clock. */
interface Stamped {
  at?: number;
}

/** A durable message is known by its source, its destination as written, and its id. */
interface Named {
  src: string;
  dest: string;
  id: string;
}

interface Read extends Stamped {
  reader: string;
  node: string;
}

/** A message for a group is known in it by its payload, which no two share: who reads it may see other names of it. */
interface ToGroup {
  group?: string;
  /** Private: for this node only, which was addressed by this name. */
  to?: string;
  toName?: string;
  /** By the right of a backend, which need not be a member. */
  trusted?: true;
}

interface OfGroup {
  group?: string;
  groupSeq?: number;
  /** What happened in the group, in place of a message; a gap begins at `groupSeq`. */
  event?: 'joined' | 'left' | 'revealed' | 'ended' | 'gap';
}

/** One line of what senders and readers wrote down, in the order in which it happened to them. */
export type Entry =
  /** A message was given to be sent. All of one lane go out in this order. */
  | (Stamped & Named & { what: 'sent'; lane: string; payload: string } & ToGroup)
  /** There was a receipt: `stored` or `duplicate`. */
  | (Stamped & Named & { what: 'confirmed' })
  /** There was a refusal; without `retryAfterMs` it was final. `waitedMs`: since the frame was written. */
  | (Stamped & Named & { what: 'refused'; code: string; retryAfterMs?: number; waitedMs?: number })
  /** A reader of a node's inbox has everything up to `after`, and reads on from there. */
  | (Read & { what: 'opened'; after: number; epoch?: string; server?: string })
  | (Read & { what: 'received'; seq: number; src: string; id: string; payload: string } & OfGroup)
  /** The connection of a client, reader or sender, ended. */
  | (Stamped & { what: 'closed'; client: string; code: number; reason?: string })
  | (Stamped & { what: 'connected'; client: string; server?: string })
  /** The sender of a message was told that its destination is connected nowhere. */
  | (Stamped & Named & { what: 'offline' })
  /** The server told `by` how far the node has acknowledged. */
  | (Stamped & { what: 'acked'; node: string; seq: number; by?: string })
  /**
   * The answer to a join or an unjoin of the node was there, which was asked for at `askedAt`; `unsure`: one of them was
   * tried, and whether it happened the answer does not say. `alias`: what an anonymous one is known by.
   */
  | (Stamped & { what: 'joined' | 'left' | 'unsure'; group: string; node: string; askedAt?: number; alias?: string })
  /** Nobody but these nodes may ever hear this text. */
  | (Stamped & { what: 'secret'; text: string; entitled: string[] })
  /** Something was done to the servers, the store or the network. */
  | (Stamped & { what: 'fault'; text: string })
  /** The store was destroyed or taken back: from here on inboxes may have another epoch. */
  | (Stamped & { what: 'restored' })
  /** Nothing is disturbed any more. */
  | (Stamped & { what: 'healed' })
  /** The end of the run: everybody had the time to come to rest. */
  | (Stamped & { what: 'rested' })
  /** At rest: the last seq of an inbox. */
  | (Stamped & { what: 'tail'; node: string; seq: number })
  /** At rest: a reader that has to be at the tail, and a sender with so many messages without an answer. */
  | (Read & { what: 'live' })
  | (Stamped & { what: 'waiting'; src: string; count: number })
  /** At rest: something that has to be back at its baseline. */
  | (Stamped & { what: 'measured'; name: string; baseline: number; value: number; allowed: number });

export type Of<W extends Entry['what']> = Extract<Entry, { what: W }>;

export type Invariant =
  'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I9' | 'I10' | 'I11' | 'I12' | 'I13' | 'presence';

export interface Violation {
  readonly invariant: Invariant;
  readonly text: string;
}

export function of<W extends Entry['what']>(journal: readonly Entry[], what: W): Of<W>[] {
  return journal.filter((entry): entry is Of<W> => entry.what === what);
}

export const nameOf = ({ src, dest, id }: Named): string => `${src} → ${dest} ${id}`;
export const named = ({ src, node, id, group }: Of<'received'>): string => nameOf({ src, dest: group ?? node, id });

export function grouped<T>(entries: readonly T[], key: (entry: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const entry of entries) {
    const name = key(entry);
    const group = groups.get(name);
    if (group) group.push(entry);
    else groups.set(name, [entry]);
  }
  return groups;
}
