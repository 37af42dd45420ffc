/** A server node: one listening address, whoever runs there. */
export interface ServerNodeRow {
  readonly serverNodeId: string;
  /** host:port that it listens on. */
  readonly address: string;
  /** The present run. */
  readonly bootId: string;
}

/** The addresses at which server nodes run. */
export abstract class ServerNodes {
  /**
   * Takes over an address for a new run: the id that belongs to the address (the proposed one when it is new). The
   * caller holds the listening socket of the address already, so no other live process of this host can.
   */
  abstract succeed(proposal: ServerNodeRow): Promise<ServerNodeRow>;
}
