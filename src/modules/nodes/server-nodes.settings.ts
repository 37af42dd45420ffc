export abstract class ServerNodesSettings {
  /** Between two heartbeats of this server node, ms; as often it looks at those of the others. */
  abstract readonly heartbeatMs: number;
  /** A server node whose heartbeat stood still for so long (ms, as this process measures it) is dead. */
  abstract readonly staleMs: number;
}
