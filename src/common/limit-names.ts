/** Every limit whose hits are counted by name: a closed list, for it is a label. What each means is in `docs/limits.md`. */
export const LIMITS = [
  'auth_failures',
  'http_calls',
  'rest_messages',
  'socket_messages',
  'connections_per_address',
  'capacity',
  'handshakes',
  'unauthenticated',
  'loop_lag',
  'heap_sockets',
  'heap_messages',
  'store_lost',
  'header_bytes',
  'headers_timeout',
  'inbound_frames',
  'inbound_bytes',
  'outbound_pause',
  'window_messages',
  'window_bytes',
  'seat_messages',
] as const;

export type LimitName = (typeof LIMITS)[number];
