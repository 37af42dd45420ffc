/** One limit: what shows that it is hit, and which test proves what happens then. */
export interface LimitRow {
  readonly settings: readonly string[];
  /** As it stands on the metrics page, up to the value; undefined where nothing is refused, closed or held back. */
  readonly metric?: string;
  readonly spec: string;
  readonly title: string;
}

const hit = (limit: string): string => `allspark_limit_hits_total{limit="${limit}"}`;
const refused = (code: string): string => `allspark_refusals_total{code="${code}"}`;
const closed = (code: number): string => `allspark_closes_total{code="${code}"}`;

type Row = readonly [settings: string, metric: string | undefined, spec: string, title: string];

const NATIVE = 'src/gateways/native/';
const HTTP = 'src/gateways/http/';

const ROWS: readonly Row[] = [
  [
    'MAX_FRAME_BYTES',
    closed(1009),
    'test/e2e/connections-end.spec.ts',
    'with 1009 at a frame above the limit, and not at one that just fits',
  ],
  [
    'MAX_JSON_DEPTH',
    refused('too_deep'),
    `${HTTP}messages.controller.spec.ts`,
    'judges a broken, a too deep and a too large message by itself',
  ],
  [
    'MAX_TOP_LEVEL_KEYS',
    refused('too_many_keys'),
    'test/e2e/connections-end.spec.ts',
    'never for one bad text frame: each is answered, and the next one is heard',
  ],
  ['MAX_FRAGMENTS', closed(1008), `${NATIVE}native.gateway.spec.ts`, 'of more than 64 fragments close with 1008'],
  [
    'MAX_PENDING_PONGS',
    closed(1006),
    `${NATIVE}native.gateway.spec.ts`,
    'of 16 pings in one packet get their pongs; at one more the connection is cut without a code',
  ],
  [
    'INBOUND_FRAMES',
    hit('inbound_frames'),
    `${NATIVE}inbound-queue.spec.ts`,
    'beyond the limit stop the reading, and those of the same chunk are kept',
  ],
  ['INBOUND_BYTES', hit('inbound_bytes'), `${NATIVE}inbound-queue.spec.ts`, 'count by their bytes too'],
  [
    'OUTBOUND_PAUSE_BYTES',
    hit('outbound_pause'),
    'test/e2e/slow-reader.spec.ts',
    'a peer that never reads is closed with 4000, others are fine, and everything is in its inbox',
  ],
  [
    'OUTBOUND_CLOSE_BYTES',
    closed(4000),
    'test/e2e/slow-reader.spec.ts',
    'a peer that never reads is closed with 4000, others are fine, and everything is in its inbox',
  ],
  [
    'OUTBOUND_STUCK_MS',
    closed(4000),
    `${NATIVE}outbound-queue.spec.ts`,
    'is slow when what waits stands still, however little it is',
  ],
  [
    'OUTBOUND_TOTAL_PERCENT',
    closed(4000),
    `${NATIVE}outbound-queue.spec.ts`,
    'are bounded: above the sum the largest peer is given up',
  ],
  [
    'WINDOW_MESSAGES',
    hit('window_messages'),
    'test/e2e/window.spec.ts',
    'at most 256 unacknowledged messages are in flight, and the rest follows the acknowledgements',
  ],
  ['WINDOW_BYTES', hit('window_bytes'), 'test/e2e/window.spec.ts', 'at most 512 KiB are in flight unacknowledged'],
  [
    'PING_INTERVAL_MS PING_JITTER_PERCENT PONG_TIMEOUT_MS',
    closed(4001),
    `${NATIVE}heartbeat.spec.ts`,
    'gives up a peer that sends nothing in time',
  ],
  [
    'PONG_LAG_MS',
    'allspark_loop_lag_seconds',
    `${NATIVE}heartbeat.spec.ts`,
    'waits once more while the silence may be its own fault',
  ],
  [
    'RATE_PER_SECOND RATE_BURST',
    hit('rest_messages'),
    'test/e2e/http-rates.spec.ts',
    'of messages by REST each element counts: the excess is refused and the call goes on',
  ],
  [
    'RATE_PAUSE_MS',
    hit('socket_messages'),
    'test/e2e/message-rate.spec.ts',
    'who goes on is answered rate_limited, and the same messages may come again in their order',
  ],
  [
    'RATE_ABUSE_FACTOR RATE_ABUSE_MS',
    closed(4502),
    'test/e2e/message-rate.spec.ts',
    'who is far too fast all the while is closed with 4502, and does not come back',
  ],
  [
    'HTTP_RATE_PER_SECOND HTTP_RATE_BURST',
    hit('http_calls'),
    'test/e2e/http-rates.spec.ts',
    'calls of one node above the rate are refused 429 with Retry-After, whatever the call, others are not',
  ],
  [
    'AUTH_FAILURES_PER_SECOND AUTH_FAILURES_BURST',
    hit('auth_failures'),
    'test/e2e/failed-authentications.spec.ts',
    'too many bad keys by HTTP from one address are refused 429 with Retry-After, on the websocket too',
  ],
  ['CAPACITY', hit('capacity'), `${NATIVE}handshake.spec.ts`, 'with 503 when the server node is full'],
  [
    'CONNECTIONS_PER_NODE',
    closed(4003),
    'test/e2e/connections-end.spec.ts',
    'with 4003 before its hello when the node has ten; the others stay, and room comes back',
  ],
  [
    'CONNECTIONS_PER_ADDRESS',
    hit('connections_per_address'),
    `${NATIVE}handshake.spec.ts`,
    'with 429 when one address has too many connections, and not any more when one of them went',
  ],
  [
    'HANDSHAKES_PER_SECOND HANDSHAKE_RETRY_MIN_MS HANDSHAKE_RETRY_MAX_MS',
    hit('handshakes'),
    `${NATIVE}handshake.spec.ts`,
    'with 503 when there are too many handshakes a second',
  ],
  [
    'HANDSHAKES_PENDING',
    hit('handshakes'),
    `${NATIVE}handshake.spec.ts`,
    'with 503 while too many handshakes are under way, and not any more when one of them is done',
  ],
  [
    'UNAUTHENTICATED_TIMEOUT_MS',
    hit('unauthenticated'),
    `${NATIVE}handshake.spec.ts`,
    'with 503 when it takes too long to find out who asks',
  ],
  [
    'FAIL_STOP_MS',
    closed(4004),
    'test/e2e/order-after-a-failure.spec.ts',
    'the connection is closed with 4004 when the first does not come again in time',
  ],
  [
    'FAIL_STOP_MESSAGES',
    closed(4004),
    'test/e2e/order-after-a-failure.spec.ts',
    'the connection is closed with 4004 when too many wait',
  ],
  [
    'DRAIN_READINESS_MS DRAIN_SPREAD_MS',
    closed(1012),
    `${NATIVE}drain.spec.ts`,
    'first says that it is not ready, and spreads the closes',
  ],
  [
    'DRAIN_TOTAL_MS',
    closed(1012),
    'test/e2e/going-away.spec.ts',
    'a peer that reads and closes nothing holds nobody up for longer than the drain may take',
  ],
  [
    'REST_BODY_BYTES REST_MESSAGES_BODY_BYTES',
    refused('too_large'),
    'test/e2e/every-route.spec.ts',
    'takes a body up to its limits, and none of one byte, one level or one key more',
  ],
  ['REST_MESSAGES', refused('invalid_field'), `${HTTP}messages.controller.spec.ts`, 'takes 1,000 messages and no more'],
  ['MAX_HEADER_COUNT', refused('too_large'), `${HTTP}edge.middleware.spec.ts`, 'are refused above the limit'],
  [
    'MAX_HEADER_BYTES',
    hit('header_bytes'),
    `${HTTP}limited-express-adapter.spec.ts`,
    'because its header is too big gets a problem',
  ],
  [
    'HEADERS_TIMEOUT_MS',
    hit('headers_timeout'),
    `${HTTP}limited-express-adapter.spec.ts`,
    'because its header does not arrive in time gets a problem',
  ],
  [
    'PAGE_MAX_MESSAGES',
    refused('invalid_field'),
    'test/e2e/reading-the-inbox.spec.ts',
    'refuses bounds that are none, and names the field',
  ],
  [
    'PAGE_MESSAGES PAGE_REST_BYTES',
    undefined,
    'test/e2e/reading-the-inbox.spec.ts',
    'by REST, and the next one goes on',
  ],
  ['PAGE_SOCKET_BYTES', undefined, 'test/e2e/reading-the-inbox.spec.ts', 'on the websocket at its own size'],
  [
    'DEDUPE_WINDOW_MS',
    undefined,
    'src/modules/inbox/inbox.service.spec.ts',
    'is known for the dedupe window and an hour, and then is a new message',
  ],
  [
    'INBOX_MAX_MESSAGES',
    refused('inbox_full'),
    'test/e2e/inbox-full.spec.ts',
    'a full inbox refuses for good, drops nothing that waits, and takes again what is acknowledged',
  ],
  [
    'INBOX_MAX_BYTES',
    refused('inbox_full'),
    'test/e2e/inbox-full.spec.ts',
    'an inbox is full by bytes too, and a smaller message still fits',
  ],
  [
    'INBOX_AGE_MS',
    undefined,
    'test/e2e/expired-messages.spec.ts',
    'a message that is too old keeps its seq and is delivered as gone, without anything of what it was',
  ],
  ['ACKED_KEEP_MS', undefined, 'src/modules/inbox/retention.spec.ts', 'keeps what was acknowledged readable for a day'],
  [
    'ACKED_KEEP_MESSAGES',
    undefined,
    'src/modules/inbox/retention.spec.ts',
    'keeps at most a thousand of the acknowledged',
  ],
  [
    'SEAT_MAX_MESSAGES',
    hit('seat_messages'),
    'test/e2e/session-gap.spec.ts',
    'a full seat gets one gap in place of all that does not fit, which says where to read on',
  ],
  [
    'CLIENT_MAX_NODES',
    refused('too_many_members'),
    'test/e2e/client-nodes.spec.ts',
    'that one too many names the client is refused, by REST and on the websocket, until another goes',
  ],
  [
    'SESSION_MAX_MEMBERS',
    refused('too_many_members'),
    'test/e2e/sessions-creating.spec.ts',
    'has a limit, at creation and afterwards',
  ],
  [
    'SESSION_EVENTS_MEMBERS',
    undefined,
    'test/e2e/session-events.spec.ts',
    'in a session of more than so many only whom it concerns hears of it',
  ],
  [
    'TAIL_TRUST_MS',
    undefined,
    'src/modules/inbox/append-loop.spec.ts',
    'reads the tail once and then trusts its own rows for a while',
  ],
  [
    'POLL_INTERVAL_MS POLL_JITTER_MS',
    undefined,
    'src/modules/inbox/reader-registry.spec.ts',
    'finds what nobody told of within one interval',
  ],
  [
    'OPEN_ENTRY_RECOVERY_MS',
    'allspark_groups_undriven',
    'src/modules/sessions/group-driver.spec.ts',
    'is driven by another once it saw it open for the time that it may be',
  ],
  [
    'GROUP_COMMIT_ROWS',
    'allspark_commit_seconds',
    'src/storage/embedded/write-queue.spec.ts',
    'carries so many rows a commit, in their order, and a large job alone',
  ],
  [
    'MONGODB_COMMIT_ROWS',
    'allspark_commit_seconds',
    'src/modules/inbox/append-loop.spec.ts',
    'takes no more rows into one insert than the store takes',
  ],
  [
    'STORE_DEADLINE_MS MONGODB_TIMEOUT_MS MONGODB_WTIMEOUT_MS',
    refused('retry_later'),
    'test/e2e/mongo-away.spec.ts',
    '%s: sends are refused soon with a time to come back, and it recovers',
  ],
  [
    'MONGODB_SERVER_SELECTION_MS',
    refused('retry_later'),
    'test/contract/mongo-faults.spec.ts',
    'says within its time where it found nobody, and keeps the password',
  ],
  [
    'STORE_LOST_MS',
    hit('store_lost'),
    'test/e2e/store-lost.spec.ts',
    'sends everybody away with 1012 and lets nobody in until it can write again',
  ],
  [
    'DISK_FREE_BYTES DISK_FREE_PERCENT',
    refused('retry_later'),
    'test/e2e/order-after-a-failure.spec.ts',
    'below the free space that is kept, durable messages are refused for now, and transient ones and reads go on',
  ],
  [
    'HEAP_NO_SOCKETS_PERCENT',
    hit('heap_sockets'),
    'test/e2e/heap-watermarks.spec.ts',
    'above the first watermark nobody new is let in, those who are connected go on',
  ],
  [
    'HEAP_RETRY_LATER_PERCENT',
    hit('heap_messages'),
    'test/e2e/heap-watermarks.spec.ts',
    'above the second one messages are refused for now by both ways, and everything else goes on',
  ],
  [
    'LOOP_LAG_MS LOOP_LAG_FOR_MS',
    hit('loop_lag'),
    `${HTTP}pre-connections.controller.spec.ts`,
    'is answered retry_later while the event loop is late for long',
  ],
  ['VALIDATION_KEY_MS', refused('unauthorized'), 'test/e2e/keys.spec.ts', 'opens nothing when its time is over'],
  [
    'AUTH_KEY_MAX_MS CLOCK_LEEWAY_MS',
    refused('unauthorized'),
    'test/e2e/keys.spec.ts',
    'HTTP answers every bad key alike, and in the same words',
  ],
  [
    'LINK_PING_INTERVAL_MS LINK_DEAD_MS',
    'allspark_link_faults_total{reason="dead"}',
    'src/links/outgoing-link.spec.ts',
    'asks each 5 s and is dead after 15 s without an answer, which its owner is told once',
  ],
  [
    'LINK_RECONNECT_MIN_MS LINK_RECONNECT_MAX_MS',
    'allspark_link_reconnects_total',
    'src/links/outgoing-link.spec.ts',
    'is opened again after 100 to 200 ms, without being asked',
  ],
  [
    'LINK_WAITING_BYTES',
    'allspark_link_drops_total{reason="full"}',
    'src/links/outgoing-link.spec.ts',
    'keeps at most so many bytes for a peer that never reads, its socket counted, and drops what is more',
  ],
  [
    'SERVER_NODE_HEARTBEAT_MS',
    'allspark_heartbeat_silent_seconds',
    'src/modules/nodes/heartbeat.spec.ts',
    'is a reason not to be ready when none got through for so long that others take it for dead',
  ],
  [
    'SERVER_NODE_STALE_MS',
    'allspark_server_nodes{state="live"}',
    'src/modules/nodes/server-nodes-view.spec.ts',
    'tells once that one is dead, and takes its place away',
  ],
];

export const LIMIT_TABLE: readonly LimitRow[] = ROWS.map(([settings, metric, spec, title]) => ({
  settings: settings.split(' '),
  ...(metric !== undefined && { metric }),
  spec,
  title,
}));

/** What has no test that hits it: the kernel keeps it, or whatever makes the value takes it as it is. */
export const KEPT_BY_OTHERS: ReadonlySet<string> = new Set(['LISTEN_BACKLOG', 'ALIAS_RANDOM_BITS']);
