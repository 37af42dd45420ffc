import { age, bytes, count, percent, timer } from './variable.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const NO_LIMIT = { zero: 'no limit' } as const;
const AT_ONCE = { zero: 'at once' } as const;
const NO_JITTER = { zero: 'none' } as const;

export const frameVariables = {
  MAX_FRAME_BYTES: bytes(64 * KIB, 'Biggest websocket frame from a client', { min: KIB }),
  MAX_JSON_DEPTH: count('levels', 32, 'Deepest JSON in frames and bodies', { max: 1_000 }),
  MAX_TOP_LEVEL_KEYS: count('keys', 64, 'Most keys at the top of a frame or body'),
  MAX_FRAGMENTS: count('fragments', 64, 'Most fragments of one websocket message'),
  MAX_PENDING_PONGS: count('pongs', 16, 'Most pongs that wait for a slow peer which goes on pinging'),
  INBOUND_FRAMES: count('frames', 64, 'Unanswered frames of one connection before its socket is paused'),
  INBOUND_BYTES: bytes(256 * KIB, 'Unanswered bytes of one connection before its socket is paused'),
  OUTBOUND_PAUSE_BYTES: bytes(256 * KIB, 'Bytes waiting for one connection above which its frames are not read'),
  OUTBOUND_CLOSE_BYTES: bytes(MIB, 'Bytes waiting for one connection above which it is closed as slow'),
  OUTBOUND_STUCK_MS: timer(10_000, 'How long the bytes that wait for one connection may stand still'),
  OUTBOUND_TOTAL_PERCENT: percent(
    25,
    'Part of the heap limit that all waiting bytes may take, then the largest is closed',
  ),
  WINDOW_MESSAGES: count('messages', 256, 'Most unacknowledged messages in flight to one reader'),
  WINDOW_BYTES: bytes(512 * KIB, 'Most unacknowledged bytes in flight to one reader'),
  PING_INTERVAL_MS: timer(25_000, 'Time between two pings to a connection'),
  PING_JITTER_PERCENT: percent(10, 'Random part of the ping interval, both ways', { zero: 'none', max: 50 }),
  PONG_TIMEOUT_MS: timer(10_000, 'How long a ping may stay unanswered'),
  PONG_LAG_MS: timer(1_000, 'Own event loop lag above which missing pongs are forgiven'),
};

export const rateVariables = {
  RATE_PER_SECOND: count(
    'messages a second',
    200,
    'Messages of one connection, by REST of one node; apps have none',
    NO_LIMIT,
  ),
  RATE_BURST: count('messages', 1_000, 'Messages that may come at once before the rate counts'),
  RATE_PAUSE_MS: timer(5_000, 'Longest time that reading waits for the rate before rate_limited is answered', {
    zero: 'answered at once',
  }),
  RATE_ABUSE_FACTOR: count('times', 4, 'Multiple of the rate that closes the connection (4502)', {
    zero: 'never closes',
  }),
  RATE_ABUSE_MS: timer(10_000, 'How long that multiple must last'),
  HTTP_RATE_PER_SECOND: count('calls a second', 50, 'HTTP calls of one node; apps have none', NO_LIMIT),
  HTTP_RATE_BURST: count('calls', 500, 'HTTP calls that may come at once before the rate counts'),
  AUTH_FAILURES_PER_SECOND: count(
    'failures a second',
    20,
    'Keys that are not valid, of calls and handshakes from one address',
    NO_LIMIT,
  ),
  AUTH_FAILURES_BURST: count('failures', 200, 'Failed authentications that may come at once before the rate counts'),
};

export const connectionVariables = {
  CAPACITY: count('connections', 20_000, 'Most websocket connections of this process', { zero: 'takes no connection' }),
  CONNECTIONS_PER_NODE: count('connections', 10, 'Most connections of one node', NO_LIMIT),
  CONNECTIONS_PER_ADDRESS: count('connections', 1_000, 'Most connections from one IP address', NO_LIMIT),
  HANDSHAKES_PER_SECOND: count('handshakes a second', 500, 'Most websocket handshakes', NO_LIMIT),
  HANDSHAKES_PENDING: count('handshakes', 1_000, 'Most handshakes under way, then 503', NO_LIMIT),
  HANDSHAKE_RETRY_MIN_MS: timer(1_000, 'Shortest Retry-After of a refused handshake'),
  HANDSHAKE_RETRY_MAX_MS: timer(30_000, 'Longest Retry-After of a refused handshake'),
  UNAUTHENTICATED_TIMEOUT_MS: timer(5_000, 'How long a socket may stay unauthenticated'),
  LISTEN_BACKLOG: count('connections', 4_096, 'Connections that the kernel keeps waiting for the listener', {
    max: 65_535,
  }),
  FAIL_STOP_MS: timer(30_000, 'How long the first failed message may stay away before its connection is closed (4004)'),
  FAIL_STOP_MESSAGES: count('messages', 1_000, 'Most failed messages of one connection before it is closed (4004)'),
  DRAIN_READINESS_MS: timer(2_000, 'Time between readiness off and the first move, on shutdown', AT_ONCE),
  DRAIN_SPREAD_MS: timer(15_000, 'Time over which moves and closes are spread', AT_ONCE),
  DRAIN_TOTAL_MS: timer(25_000, 'Longest shutdown'),
};

export const httpVariables = {
  REST_BODY_BYTES: bytes(256 * KIB, 'Biggest body of an HTTP call', { min: KIB }),
  REST_MESSAGES_BODY_BYTES: bytes(4 * MIB, 'Biggest body of POST /v1/messages', { min: KIB }),
  REST_MESSAGES: count('messages', 1_000, 'Most messages of one POST /v1/messages'),
  MAX_HEADER_BYTES: bytes(16 * KIB, 'Biggest HTTP header', { min: KIB }),
  MAX_HEADER_COUNT: count('headers', 100, 'Most HTTP headers of one request'),
  HEADERS_TIMEOUT_MS: timer(10_000, 'How long the headers of a request may take'),
  PAGE_MESSAGES: count('messages', 200, 'Messages of one page when no limit is asked for'),
  PAGE_MAX_MESSAGES: count('messages', 1_000, 'Most messages of one page'),
  PAGE_REST_BYTES: bytes(4 * MIB, 'Bytes after which a page of GET /v1/inbox ends'),
  PAGE_SOCKET_BYTES: bytes(256 * KIB, 'Bytes after which a page on the websocket ends'),
};

export const inboxVariables = {
  DEDUPE_WINDOW_MS: age(DAY, 'How long a message id is remembered'),
  INBOX_MAX_MESSAGES: count('messages', 10_000, 'Most unacknowledged messages for a node itself, then inbox_full'),
  INBOX_MAX_BYTES: bytes(64 * MIB, 'Most unacknowledged bytes for a node itself, then inbox_full', { min: 64 * KIB }),
  INBOX_AGE_MS: age(30 * DAY, 'How long an unacknowledged message is kept'),
  ACKED_KEEP_MS: age(DAY, 'How long an acknowledged message stays readable', { zero: 'until the next collection' }),
  ACKED_KEEP_MESSAGES: count('messages', 1_000, 'How many acknowledged messages stay readable', {
    zero: 'none after the next collection',
  }),
  SEAT_MAX_MESSAGES: count('messages', 2_000, 'Most unacknowledged messages of one group in an inbox, then a gap'),
  CLIENT_MAX_NODES: count('nodes', 100, 'Most nodes of one client'),
  SESSION_MAX_MEMBERS: count('members', 10_000, 'Most members of one session'),
  SESSION_EVENTS_MEMBERS: count('members', 256, 'Members up to which session events are announced to all', {
    zero: 'announced to the one concerned only',
  }),
  ALIAS_RANDOM_BITS: count('bits', 128, 'Random bits of an alias', { min: 128, max: 512 }),
};

export const storeLimitVariables = {
  TAIL_TRUST_MS: timer(30_000, 'How long a tail that was read is believed'),
  POLL_INTERVAL_MS: timer(5_000, 'Time between two polls of the tails'),
  POLL_JITTER_MS: timer(1_000, 'Random part of the poll interval, both ways', NO_JITTER),
  OPEN_ENTRY_RECOVERY_MS: timer(5_000, 'Age at which another server node drives an open group entry'),
  GROUP_COMMIT_ROWS: count('rows', 256, 'Most rows of one commit of the embedded store', { max: 4_096 }),
  MONGODB_COMMIT_ROWS: count('rows', 512, 'Most rows of one commit to MongoDB', { max: 100_000 }),
  STORE_DEADLINE_MS: timer(5_000, 'How long a call or frame may wait for the store before retry_later'),
  STORE_LOST_MS: timer(30_000, 'How long the store may be away before connections are closed (1012)'),
  MONGODB_TIMEOUT_MS: timer(4_000, 'Longest operation of the MongoDB driver'),
  MONGODB_WTIMEOUT_MS: timer(3_500, 'Longest wait for the majority of a MongoDB write'),
  MONGODB_SERVER_SELECTION_MS: timer(3_000, 'Longest search for a MongoDB primary'),
  DISK_FREE_BYTES: bytes(
    GIB,
    'Durable messages are refused below the lesser of this free space and DISK_FREE_PERCENT',
    {
      zero: 'no watermark',
    },
  ),
  DISK_FREE_PERCENT: percent(
    10,
    'Durable messages are refused below the lesser of this free part and DISK_FREE_BYTES',
    {
      zero: 'no watermark',
    },
  ),
};

export const healthVariables = {
  HEAP_NO_SOCKETS_PERCENT: percent(
    70,
    'Part of the heap limit that may be alive before new connections get 503',
    NO_LIMIT,
  ),
  HEAP_RETRY_LATER_PERCENT: percent(
    85,
    'Part of the heap limit that may be alive before messages get retry_later',
    NO_LIMIT,
  ),
  LOOP_LAG_MS: timer(200, 'Event loop lag (99th percentile) above which new connections get 503', NO_LIMIT),
  LOOP_LAG_FOR_MS: timer(5_000, 'How long that lag must last', AT_ONCE),
};

export const clusterVariables = {
  LINK_PING_INTERVAL_MS: timer(5_000, 'Time between two pings on a link between server nodes'),
  LINK_DEAD_MS: timer(15_000, 'Silence after which a link is dead'),
  LINK_RECONNECT_MIN_MS: timer(100, 'Shortest wait before a link is opened again'),
  LINK_RECONNECT_MAX_MS: timer(2_000, 'Longest wait before a link is opened again'),
  LINK_WAITING_BYTES: bytes(16 * MIB, 'Most bytes waiting for one link, then hints are dropped'),
  SERVER_NODE_HEARTBEAT_MS: timer(3_000, 'Time between two heartbeats of a server node'),
  SERVER_NODE_STALE_MS: timer(9_000, 'Time without a heartbeat after which a server node is thought dead'),
};

export const keyVariables = {
  VALIDATION_KEY_MS: timer(60_000, 'Life of a validation key, which can be used once'),
  AUTH_KEY_MAX_MS: age(DAY, 'Longest life of an auth key (exp minus iat)', { max: DAY }),
  CLOCK_LEEWAY_MS: timer(60_000, 'How far clocks may differ when an auth key is judged', { zero: 'not at all' }),
};
