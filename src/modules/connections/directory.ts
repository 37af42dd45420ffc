/** A live connection as the whole cluster may see it. */
export interface ConnectionRow {
  readonly nodeId: string;
  readonly connectionId: string;
  readonly serverNodeId: string;
  /** The run of the server node that holds it: the row counts as long as that run does. */
  readonly bootId: string;
  /** ms since 1970. */
  readonly since: number;
  /** It was told to move: everybody still sees it, but it has no place of its node any more. Never taken back. */
  readonly moving?: true;
}

/** Who is connected where. Rows do not outlive the run (boot) of the server node that made them. */
export abstract class Directory {
  /**
   * Registers a connection in a free place of its node, or registers it anew, and keeps its place; visible to everybody
   * when it resolves. Answers false, and registers nothing, when the node has `limit` connections already; two callers
   * at once never exceed the limit. One that is `moving` needs no place, leaves the one that it had, and is never
   * refused; no look-up misses it meanwhile, or sees it twice.
   */
  abstract register(row: ConnectionRow, limit: number): Promise<boolean>;

  /** Removes it; nothing happens when it is not there. */
  abstract unregister(nodeId: string, connectionId: string): Promise<void>;

  /** The connections of each node, empty where there are none; same order as asked. Never from a cache. */
  abstract of(nodeIds: readonly string[]): Promise<ConnectionRow[][]>;

  /** The connection of that id, or `undefined`. Never from a cache. */
  abstract find(connectionId: string): Promise<ConnectionRow | undefined>;

  /** The runs that have registered something which is still there, each once, in no order. */
  abstract boots(): Promise<string[]>;

  /** Removes all connections that a run registered; answers how many. Several may do so at once. */
  abstract forgetBoot(bootId: string): Promise<number>;
}
