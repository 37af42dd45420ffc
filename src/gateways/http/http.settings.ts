import type { KeyPairFiles } from '../../common/key-pair.js';

/** Limits of the HTTP edge. */
export abstract class HttpSettings {
  /** Header lines of one request. */
  abstract readonly maxHeaderCount: number;
  /** Bytes of a body. */
  abstract readonly maxBodyBytes: number;
  /** Bytes of the body of a batch of messages. */
  abstract readonly maxMessagesBodyBytes: number;
  /** Messages of one batch. */
  abstract readonly maxMessages: number;
  /** Bytes of one message of a batch, as on the websocket. */
  abstract readonly maxFrameBytes: number;
  /** Levels of JSON; a message of a batch is level 1. */
  abstract readonly maxJsonDepth: number;
  /** Keys of the outermost object. */
  abstract readonly maxTopLevelKeys: number;
  /** Rows of an inbox page when no limit is asked for, and the highest limit. */
  abstract readonly pageMessages: number;
  abstract readonly pageMaxMessages: number;
  /** Bytes after which an inbox page ends. */
  abstract readonly pageBytes: number;
  /** Calls of one node, and its messages, each of a batch by itself; apps have no such limit. */
  abstract readonly callsPerSecond: number;
  abstract readonly callsBurst: number;
  abstract readonly ratePerSecond: number;
  abstract readonly rateBurst: number;
  /** A call that waited so long (ms) is answered `retry_later`. */
  abstract readonly deadlineMs: number;
  /** After the store did not answer for so long (ms) nobody is told to connect here. */
  abstract readonly storeLostMs: number;
  /** Who is told to come back later is told a random time in these bounds, ms. */
  abstract readonly retryMinMs: number;
  abstract readonly retryMaxMs: number;
  /** Where `/metrics` asks for no key; undefined: nowhere. Port 0 takes a free one. */
  abstract readonly metricsAddress: { readonly host: string; readonly port: number } | undefined;
  /** Of the pair that the listener was started with; looked at from time to time for a new one. */
  readonly tlsFiles?: KeyPairFiles;
}

/** Where clients reach this process. Asked on each call, because the port is known only after listening. */
export abstract class PublicAddress {
  /** `http(s)://…` without a slash at its end; behind a proxy the proxy's. */
  abstract readonly baseUrl: string;
  abstract readonly host: string;
  abstract readonly port: number;
  abstract readonly tls: boolean;
  /** A host whose port 80 (443 with TLS) leads here. */
  abstract readonly proxyHost: string | undefined;
  /** The exact origins that browsers may come from. */
  abstract readonly origins: readonly string[];
}

/** What the HTTP edge is told. */
export abstract class HttpGatewayOptions {
  abstract readonly settings: HttpSettings;
  abstract readonly address: PublicAddress;
}
