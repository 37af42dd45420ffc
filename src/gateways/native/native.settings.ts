/** The limits of the native websocket. Times in ms, sizes in bytes; `Number.MAX_SAFE_INTEGER` stands for no limit. */
export abstract class NativeSettings {
  /** The exact web origins that browsers may come from. Asked at each handshake, for the port is not known before. */
  abstract allowedOrigins(): readonly string[];
  /** A websocket may open with an auth key, without the pre-connection step. */
  abstract readonly direct: boolean;
  /** How long after the end of its key a connection ends. */
  abstract readonly clockLeewayMs: number;

  abstract readonly maxHeaderCount: number;
  /** Websocket connections of this process; 0 takes none. */
  abstract readonly capacity: number;
  abstract readonly perAddress: number;
  abstract readonly handshakesPerSecond: number;
  abstract readonly handshakesPending: number;
  abstract readonly handshakeRetryMinMs: number;
  abstract readonly handshakeRetryMaxMs: number;
  abstract readonly unauthenticatedTimeoutMs: number;

  abstract readonly maxFrameBytes: number;
  abstract readonly maxJsonDepth: number;
  abstract readonly maxTopLevelKeys: number;
  abstract readonly maxFragments: number;
  abstract readonly maxPendingPongs: number;
  /** Unanswered frames, and bytes of them, above which a socket is not read. */
  abstract readonly inboundFrames: number;
  abstract readonly inboundBytes: number;

  abstract readonly ratePerSecond: number;
  abstract readonly rateBurst: number;
  abstract readonly ratePauseMs: number;
  abstract readonly rateAbuseFactor: number;
  abstract readonly rateAbuseMs: number;

  abstract readonly outboundPauseBytes: number;
  abstract readonly outboundCloseBytes: number;
  abstract readonly outboundStuckMs: number;
  /** Over all connections, as a part of the heap limit. */
  abstract readonly outboundTotalFraction: number;

  /** What hello tells of the window; the reader keeps it. */
  abstract readonly windowMessages: number;
  abstract readonly windowBytes: number;
  /** Rows and bytes of one page on the socket. */
  abstract readonly pageMaxMessages: number;
  abstract readonly pageBytes: number;

  abstract readonly pingIntervalMs: number;
  abstract readonly pingJitterFraction: number;
  abstract readonly pongTimeoutMs: number;

  abstract readonly drainReadinessMs: number;
  abstract readonly drainSpreadMs: number;
  abstract readonly drainTotalMs: number;
  /** After the store did not answer for so long all connections are closed, and nobody new is let in. */
  abstract readonly storeLostMs: number;
}
