export abstract class ConnectionsSettings {
  /** Live connections that one node may have in the whole cluster. */
  abstract readonly perNode: number;
}
