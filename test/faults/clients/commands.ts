/** How the runner tells a process of clients what to do. Every command is answered once. */
export interface Where {
  /** Base URL of the server, http. */
  readonly url: string;
  readonly secret: string;
  /** A file with the ms by which the clock is wrong that keys are made by. */
  readonly skewFile?: string;
}

export type Kind =
  /** On the client library, as an application would. */
  | 'sdk'
  /** A bare websocket, which writes down every frame. */
  | 'raw';

export interface ReadOrder extends Where {
  readonly kind: Kind;
  readonly reader: string;
  readonly node: string;
  /** `none`: reads and never acknowledges, until told to by `acknowledge`. Raw ones only. */
  readonly acks?: 'all' | 'none';
  readonly back?: Back;
}

export interface SendOrder extends Where {
  readonly kind: Kind;
  readonly src: string;
  /** In turn. A raw sender has one. */
  readonly dests: readonly string[];
  /** Whether these are sessions. */
  readonly toSessions?: boolean;
  readonly perSecond: number;
  /** Most messages without an answer. Default: 200. */
  readonly mostOpen?: number;
  /** Length of the filler in each payload. */
  readonly bytes?: number;
  readonly back?: Back;
}

/** How a client comes back. Default: as the library does. */
export interface Back {
  readonly maxMs?: number;
  /** Without jitter, at the ceiling of each delay. */
  readonly noJitter?: boolean;
}

export type Command =
  | { readonly do: 'read'; readonly order: ReadOrder }
  | { readonly do: 'send'; readonly order: SendOrder }
  /** Begin, or go on, with sending. */
  | { readonly do: 'go' }
  | { readonly do: 'stop' }
  | { readonly do: 'acknowledge'; readonly reader: string }
  /** Closes it for good; another one may be given its name. */
  | { readonly do: 'leave'; readonly reader: string }
  /** Readers leave their server node and go on at another one. */
  | { readonly do: 'hop'; readonly readers: readonly string[]; readonly url: string }
  | { readonly do: 'state' }
  /** Writes down who waits for answers and who is live, and closes all. */
  | { readonly do: 'rest' };

export interface CrewState {
  readonly sent: number;
  readonly confirmed: number;
  readonly refused: number;
  readonly received: number;
  /** Messages without an answer. */
  readonly waiting: number;
  /** Clients without a connection. */
  readonly away: number;
  /** The seq at which each reader stands. */
  readonly positions: Readonly<Record<string, number>>;
}

export interface Order {
  readonly number: number;
  readonly command: Command;
}

export type Answer = { readonly number: number } & ({ readonly result: unknown } | { readonly error: string });
