/** What is kept of a node. */
export interface NodeRecord {
  readonly nodeId: string;
  /** The client that its latest key named, or null. */
  readonly clientId: string | null;
  /** `iat` of that key in seconds; 0 when no key was seen yet (an app named it as destination). */
  readonly iat: number;
  /** When it last called, connected or went, ms since 1970; null when it never did. */
  readonly lastSeen: number | null;
}

/** Which nodes are known. A node that is known stays known. */
export abstract class NodeRegistry {
  /** The record of each node, `undefined` for an unknown one; same order as asked. */
  abstract find(nodeIds: readonly string[]): Promise<Array<NodeRecord | undefined>>;

  /**
   * Makes nodes known, or brings their records up to date: `clientId` and `iat` follow the highest `iat`, `lastSeen`
   * the highest. Durable when it resolves.
   */
  abstract record(nodes: readonly NodeRecord[]): Promise<void>;
}
