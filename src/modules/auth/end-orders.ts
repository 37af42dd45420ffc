/** What a key was issued as: enough to say whether an order is about it. */
export interface IssuedKey {
  readonly nodeId: string;
  readonly clientId: string | null;
  readonly kid: string | null;
  /** `iat`, whole seconds since 1970. */
  readonly issuedAt: number;
}

/** Whose keys: of a node, of a client, or all that one key of the ring signed. */
export interface KeyHolder {
  readonly by: 'node' | 'client' | 'kid';
  readonly id: string;
}

/** Keys that were issued until then are refused, and what they opened ends. */
export interface KeysEnd extends KeyHolder {
  readonly kind: 'keys';
  /** Whole seconds since 1970, inclusive. */
  readonly issuedUntil: number;
  readonly reason: string;
  /** Whoever takes it to be later than that, ms since 1970, refuses them anyway: all of them have ended. */
  readonly until: number;
}

/** These connections of a node end. */
export interface ConnectionsEnd {
  readonly kind: 'connections';
  readonly nodeId: string;
  readonly connectionIds: readonly string[];
  /**
   * All runs of server nodes that had a place then. What another run of a server node holds of the node ends too: nothing
   * listed it. Absent: those that are named, and no others.
   */
  readonly runs?: readonly string[];
  readonly reason: string;
}

export type EndOrder = KeysEnd | ConnectionsEnd;

export interface EndOrderRow {
  /** Rises from order to order; never given twice. */
  readonly position: number;
  readonly order: EndOrder;
}

/** What was ordered to end, in one order for all server nodes: each reads on from where it stands. */
export abstract class EndOrders {
  /**
   * Adds an order behind all others; durable, and seen by everybody who reads on, when it resolves. After an error it may
   * be there or not: adding it again does no harm. It is kept for at least `keepMs` of the store's own time, whatever the
   * clocks of those who give orders and read them show; those kept for longer may be forgotten on the way.
   */
  abstract add(order: EndOrder, keepMs: number): Promise<void>;

  /** Orders behind a position (0: from the first one), ascending, at most `limit`; none is ever put before one that was read. */
  abstract after(position: number, limit: number): Promise<EndOrderRow[]>;
}
