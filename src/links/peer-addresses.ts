/** One run of a server node. */
export interface PeerIdentity {
  readonly serverNodeId: string;
  readonly bootId: string;
}

export interface PeerAddress {
  /** `ws(s)://host:port`, without a path. */
  readonly internalUrl: string;
  /** The run that is there now, as far as is known. */
  readonly bootId: string;
}

/** Where the server nodes of the cluster are. Asked often: answers at once, from what is known already. */
export abstract class PeerAddresses {
  /** Undefined: this process has no place in the cluster yet. */
  abstract readonly self: PeerIdentity | undefined;

  /** Undefined: nobody knows it, or it left. */
  abstract find(serverNodeId: string): PeerAddress | undefined;

  /**
   * Looks anew where they are, at most once a second: one is not, or not any more, as it is known here. Resolves when
   * what was asked after the call is known, or could not be; never rejects.
   */
  abstract lookAgain(): Promise<void>;

  /**
   * Calls for each run that is new here, and for all when this process goes on as another run; `isOlder`: it was there
   * before this run, and so does not know of it yet.
   */
  abstract onAppeared(call: (serverNodeId: string, isOlder: boolean) => void): void;
}
