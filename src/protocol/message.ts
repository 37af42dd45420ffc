/** Where a message goes. `private` is a message to one member inside a session. */
export type Destination =
  | { readonly kind: 'node'; readonly nodeId: string }
  | { readonly kind: 'client'; readonly clientId: string }
  | { readonly kind: 'session'; readonly sessionId: string }
  | { readonly kind: 'private'; readonly sessionId: string; readonly memberId: string };

/** A destination that has a log of its own. */
export type GroupDestination = Extract<Destination, { kind: 'session' | 'client' }>;

/** A message as a sender writes it. Payloads are JSON text and stay text, so they arrive byte for byte. */
export interface Message {
  readonly destination: Destination;
  /** Chosen by the sender; without it the server makes one. */
  readonly id?: string;
  /** 0 … 2147483647, the application's own. */
  readonly type: number;
  readonly payload?: string;
  readonly payload1?: string;
  readonly payload2?: string;
  readonly transient: boolean;
  /** The sender asks for a receipt on the first acknowledgement of each receiving node. */
  readonly report: boolean;
  /** Only from a trusted backend over REST: the node in whose name it is sent. */
  readonly srcId?: string;
}

/** Bounds of a read; all exclusive; times in ms since 1970. With `before*` only, the last rows are meant. */
export interface InboxQuery {
  readonly afterSeq?: number;
  readonly beforeSeq?: number;
  readonly afterTime?: number;
  readonly beforeTime?: number;
  readonly limit?: number;
}

/** What a client may put into one text frame. */
export type ClientFrame =
  | { readonly kind: 'alive' }
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'ack'; readonly seq: number }
  | { readonly kind: 'fetchInbox'; readonly id?: string; readonly query: InboxQuery }
  | { readonly kind: 'areYouThere'; readonly id?: string };
