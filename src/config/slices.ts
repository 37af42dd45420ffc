import { parseHostPort } from './text-forms.js';
import type { ResolvedSettings } from './load-config.js';

/** Stands for "no limit": still a number that can be multiplied, compared and written as JSON. */
export const UNLIMITED = Number.MAX_SAFE_INTEGER;

const unlimitedIfZero = (limit: number): number => (limit === 0 ? UNLIMITED : limit);
const fraction = (percent: number): number => percent / 100;

export function listenSlice(settings: ResolvedSettings) {
  return {
    hostAddress: settings.HOST_ADDRESS,
    listenAddress: settings.LISTEN_ADDRESS,
    /** 0 takes a free one. */
    port: settings.PORT,
    backlog: settings.LISTEN_BACKLOG,
    publicUrl: settings.PUBLIC_URL,
    proxyHost: settings.PROXY_80_PORT,
    tls: tlsFiles(settings),
    /** Undefined: the public listener. */
    internal: settings.INTERNAL_ADDRESS === undefined ? undefined : parseHostPort(settings.INTERNAL_ADDRESS),
    /** Undefined: /metrics on the public listener, with a key. */
    metrics: settings.METRICS_ADDRESS === undefined ? undefined : parseHostPort(settings.METRICS_ADDRESS),
    trustedProxies: settings.TRUSTED_PROXIES ?? [],
    /** Undefined: see `allowedOrigins`, which knows the port that was taken. */
    origins: settings.ALLOWED_ORIGINS,
  };
}

function tlsFiles({ TLS_CERT_FILE, TLS_KEY_FILE }: ResolvedSettings) {
  if (TLS_CERT_FILE === undefined || TLS_KEY_FILE === undefined) return undefined;
  return { certFile: TLS_CERT_FILE, keyFile: TLS_KEY_FILE };
}

export function authSlice(settings: ResolvedSettings) {
  return {
    secret: settings.AUTH_SECRET,
    /** PEM; the kind of key fixes the algorithm. */
    publicKey: settings.AUTH_PUBLIC_KEY,
    jwksUri: settings.AUTH_JWKS_URI,
    keysFile: settings.AUTH_KEYS_FILE,
    issuer: settings.AUTH_ISSUER,
    /** A websocket may open with an auth key, without the pre-connection step. */
    direct: settings.AUTH_DIRECT,
    dataDir: settings.DATA_DIR,
    validationKeyMs: settings.VALIDATION_KEY_MS,
    authKeyMaxMs: settings.AUTH_KEY_MAX_MS,
    clockLeewayMs: settings.CLOCK_LEEWAY_MS,
    failuresPerSecond: unlimitedIfZero(settings.AUTH_FAILURES_PER_SECOND),
    failuresBurst: settings.AUTH_FAILURES_BURST,
  };
}

export function inboxSlice(settings: ResolvedSettings) {
  return {
    dedupeWindowMs: settings.DEDUPE_WINDOW_MS,
    maxMessages: settings.INBOX_MAX_MESSAGES,
    maxBytes: settings.INBOX_MAX_BYTES,
    ageMs: settings.INBOX_AGE_MS,
    ackedKeepMs: settings.ACKED_KEEP_MS,
    ackedKeepMessages: settings.ACKED_KEEP_MESSAGES,
    seatMaxMessages: settings.SEAT_MAX_MESSAGES,
    tailTrustMs: settings.TAIL_TRUST_MS,
    storeDeadlineMs: settings.STORE_DEADLINE_MS,
    pageMessages: settings.PAGE_MESSAGES,
    pageMaxMessages: settings.PAGE_MAX_MESSAGES,
  };
}

export function routingSlice(settings: ResolvedSettings) {
  return {
    presence: settings.PRESENCE,
    allowUnknownDestinations: settings.ALLOW_UNKNOWN_DESTINATIONS,
    pollIntervalMs: settings.POLL_INTERVAL_MS,
    pollJitterMs: settings.POLL_JITTER_MS,
    windowMessages: settings.WINDOW_MESSAGES,
    windowBytes: settings.WINDOW_BYTES,
    failStopMs: settings.FAIL_STOP_MS,
    failStopMessages: settings.FAIL_STOP_MESSAGES,
    storeDeadlineMs: settings.STORE_DEADLINE_MS,
  };
}

export function connectionsSlice(settings: ResolvedSettings) {
  return {
    /** 0 takes no connection. */
    capacity: settings.CAPACITY,
    perNode: unlimitedIfZero(settings.CONNECTIONS_PER_NODE),
    perAddress: unlimitedIfZero(settings.CONNECTIONS_PER_ADDRESS),
    force: settings.FORCE,
    heartbeatMs: settings.SERVER_NODE_HEARTBEAT_MS,
    staleMs: settings.SERVER_NODE_STALE_MS,
  };
}

/** Limits of one websocket and of its handshake. */
export function socketSlice(settings: ResolvedSettings) {
  return {
    maxFrameBytes: settings.MAX_FRAME_BYTES,
    maxJsonDepth: settings.MAX_JSON_DEPTH,
    maxTopLevelKeys: settings.MAX_TOP_LEVEL_KEYS,
    maxFragments: settings.MAX_FRAGMENTS,
    maxPendingPongs: settings.MAX_PENDING_PONGS,
    inboundFrames: settings.INBOUND_FRAMES,
    inboundBytes: settings.INBOUND_BYTES,
    outboundPauseBytes: settings.OUTBOUND_PAUSE_BYTES,
    outboundCloseBytes: settings.OUTBOUND_CLOSE_BYTES,
    outboundStuckMs: settings.OUTBOUND_STUCK_MS,
    /** Of the heap limit, over all connections. */
    outboundTotalFraction: fraction(settings.OUTBOUND_TOTAL_PERCENT),
    windowMessages: settings.WINDOW_MESSAGES,
    windowBytes: settings.WINDOW_BYTES,
    pageBytes: settings.PAGE_SOCKET_BYTES,
    pingIntervalMs: settings.PING_INTERVAL_MS,
    pingJitterFraction: fraction(settings.PING_JITTER_PERCENT),
    pongTimeoutMs: settings.PONG_TIMEOUT_MS,
    pongLagMs: settings.PONG_LAG_MS,
    ...rateOfMessages(settings),
    unauthenticatedTimeoutMs: settings.UNAUTHENTICATED_TIMEOUT_MS,
    handshakesPerSecond: unlimitedIfZero(settings.HANDSHAKES_PER_SECOND),
    handshakesPending: unlimitedIfZero(settings.HANDSHAKES_PENDING),
    handshakeRetryMinMs: settings.HANDSHAKE_RETRY_MIN_MS,
    handshakeRetryMaxMs: settings.HANDSHAKE_RETRY_MAX_MS,
    perAddress: unlimitedIfZero(settings.CONNECTIONS_PER_ADDRESS),
  };
}

/** One rate for both ways in: per connection on the websocket, per node by REST. */
function rateOfMessages(settings: ResolvedSettings) {
  return {
    ratePerSecond: unlimitedIfZero(settings.RATE_PER_SECOND),
    rateBurst: settings.RATE_BURST,
    /** 0 answers the excess at once. */
    ratePauseMs: settings.RATE_PAUSE_MS,
    rateAbuseFactor: unlimitedIfZero(settings.RATE_ABUSE_FACTOR),
    rateAbuseMs: settings.RATE_ABUSE_MS,
  };
}

export function httpSlice(settings: ResolvedSettings) {
  return {
    bodyBytes: settings.REST_BODY_BYTES,
    messagesBodyBytes: settings.REST_MESSAGES_BODY_BYTES,
    messagesPerCall: settings.REST_MESSAGES,
    maxFrameBytes: settings.MAX_FRAME_BYTES,
    maxJsonDepth: settings.MAX_JSON_DEPTH,
    maxTopLevelKeys: settings.MAX_TOP_LEVEL_KEYS,
    maxHeaderBytes: settings.MAX_HEADER_BYTES,
    maxHeaderCount: settings.MAX_HEADER_COUNT,
    headersTimeoutMs: settings.HEADERS_TIMEOUT_MS,
    pageMessages: settings.PAGE_MESSAGES,
    pageMaxMessages: settings.PAGE_MAX_MESSAGES,
    pageBytes: settings.PAGE_REST_BYTES,
    callsPerSecond: unlimitedIfZero(settings.HTTP_RATE_PER_SECOND),
    callsBurst: settings.HTTP_RATE_BURST,
    ...rateOfMessages(settings),
  };
}

export function storeSlice(settings: ResolvedSettings) {
  return {
    dataDir: settings.DATA_DIR,
    /** Undefined: the embedded store. */
    mongodbUri: settings.MONGODB_URI,
    commitRows: settings.GROUP_COMMIT_ROWS,
    deadlineMs: settings.STORE_DEADLINE_MS,
    lostMs: settings.STORE_LOST_MS,
    /** Durable sends are refused below the lesser of the two; 0 in either is no watermark. */
    diskFreeBytes: settings.DISK_FREE_BYTES,
    diskFreeFraction: fraction(settings.DISK_FREE_PERCENT),
    mongodb: {
      commitRows: settings.MONGODB_COMMIT_ROWS,
      timeoutMs: settings.MONGODB_TIMEOUT_MS,
      wtimeoutMs: settings.MONGODB_WTIMEOUT_MS,
      serverSelectionMs: settings.MONGODB_SERVER_SELECTION_MS,
    },
  };
}

export const logSlice = (settings: ResolvedSettings) => ({ level: settings.LOG_LEVEL });

export function drainSlice(settings: ResolvedSettings) {
  return {
    readinessMs: settings.DRAIN_READINESS_MS,
    spreadMs: settings.DRAIN_SPREAD_MS,
    totalMs: settings.DRAIN_TOTAL_MS,
  };
}

/** When the process counts as too busy. */
export function healthSlice(settings: ResolvedSettings) {
  return {
    heapNoSocketsFraction: fraction(unlimitedIfZero(settings.HEAP_NO_SOCKETS_PERCENT)),
    heapRetryLaterFraction: fraction(unlimitedIfZero(settings.HEAP_RETRY_LATER_PERCENT)),
    loopLagMs: unlimitedIfZero(settings.LOOP_LAG_MS),
    loopLagForMs: settings.LOOP_LAG_FOR_MS,
  };
}

export function sessionsSlice(settings: ResolvedSettings) {
  return {
    clientMaxNodes: settings.CLIENT_MAX_NODES,
    sessionMaxMembers: settings.SESSION_MAX_MEMBERS,
    eventsMembers: settings.SESSION_EVENTS_MEMBERS,
    aliasRandomBits: settings.ALIAS_RANDOM_BITS,
    openEntryRecoveryMs: settings.OPEN_ENTRY_RECOVERY_MS,
  };
}

/** What `start` runs on this host. */
export function hostSlice(settings: ResolvedSettings) {
  return { nodes: settings.NODES };
}

export function linksSlice(settings: ResolvedSettings) {
  return {
    secret: settings.LINK_SECRET,
    caFile: settings.LINK_CA_FILE,
    pingIntervalMs: settings.LINK_PING_INTERVAL_MS,
    deadMs: settings.LINK_DEAD_MS,
    reconnectMinMs: settings.LINK_RECONNECT_MIN_MS,
    reconnectMaxMs: settings.LINK_RECONNECT_MAX_MS,
    waitingBytes: settings.LINK_WAITING_BYTES,
  };
}

export const slices = {
  listen: listenSlice,
  auth: authSlice,
  inbox: inboxSlice,
  routing: routingSlice,
  connections: connectionsSlice,
  socket: socketSlice,
  http: httpSlice,
  store: storeSlice,
  log: logSlice,
  drain: drainSlice,
  health: healthSlice,
  sessions: sessionsSlice,
  host: hostSlice,
  links: linksSlice,
};

export type SliceName = keyof typeof slices;
export type Slice<Name extends SliceName> = ReturnType<(typeof slices)[Name]>;

/** The base URL that is given to clients, without a slash at its end; `port` is the one that was taken. */
export function ownBaseUrl(listen: Slice<'listen'>, port: number): string {
  const host = listen.hostAddress.includes(':') ? `[${listen.hostAddress}]` : listen.hostAddress;
  const own = `${listen.tls === undefined ? 'http' : 'https'}://${host}:${port}`;
  return new URL(listen.publicUrl ?? own).href.replace(/\/$/, '');
}

/** The exact origins that browsers may come from; `port` is the one that was taken. */
export function allowedOrigins(listen: Slice<'listen'>, port: number): readonly string[] {
  if (listen.origins !== undefined) return listen.origins;
  const own = [ownBaseUrl(listen, port), `http://localhost:${port}`];
  return [...new Set(own.map((url) => new URL(url).origin))];
}
