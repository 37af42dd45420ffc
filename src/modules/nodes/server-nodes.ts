/** Where a server node is reached, and how much it may hold: told once a run. */
export interface ServerNodeAddress {
  /** host:port that is given to clients; names the server node. */
  readonly address: string;
  /** Base URL for clients, `http(s)://…` without a slash at its end. */
  readonly baseUrl: string;
  /** A host whose port 80 (443 with TLS) leads there. */
  readonly proxyHost: string | null;
  /** `ws(s)://host:port` where other server nodes open their links. */
  readonly internalUrl: string;
  /** Websocket connections. */
  readonly capacity: number;
}

/** How busy it is: told with each heartbeat. */
export interface ServerNodeLoad {
  readonly connections: number;
  /** Event loop lag, ms. */
  readonly lagMs: number;
  /** It takes nobody any more: it is going away, is overloaded, or has lost its store. */
  readonly closed: boolean;
}

/** A server node: a place at one listening address, whoever runs there, until it is given up. */
export interface ServerNodeRow extends ServerNodeAddress, ServerNodeLoad {
  readonly serverNodeId: string;
  /** The present run. */
  readonly bootId: string;
  /** Rises with each heartbeat. That it rises is the sign of life; its value and all clocks mean nothing. */
  readonly beat: number;
}

/** The server nodes of the cluster. */
export abstract class ServerNodes {
  /** What stands at an address, whether or not that run still lives; `undefined` when nothing ever did, or it left. */
  abstract find(address: string): Promise<ServerNodeRow | undefined>;

  /**
   * Takes over an address for a new run: the id of the place there, the proposed one when there is none (`release`). Whoever
   * ran there before is told so by its next `beat`. Visible to all when it resolves.
   */
  abstract succeed(proposal: Omit<ServerNodeRow, 'beat'>): Promise<ServerNodeRow>;

  /** Raises the heartbeat of this run and writes its load down. False: the address belongs to another run, or to none. */
  abstract beat(serverNodeId: string, bootId: string, load: ServerNodeLoad): Promise<boolean>;

  /** All that hold an address, the dead included. */
  abstract all(): Promise<ServerNodeRow[]>;

  /** Gives the address up, if this run still holds it and (when given) its heartbeat is still `beat`. */
  abstract release(serverNodeId: string, bootId: string, beat?: number): Promise<void>;
}
