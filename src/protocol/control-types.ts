/** The `type` numbers that belong to the protocol; all others from 0 to 2147483647 are the application's own. */
export const TYPE = {
  nodeUnknown: -3,
  offline: -4,
  sessionDenied: -5,
  fetchInbox: -101,
  inboxPage: -102,
  hello: -110,
  ack: -111,
  receipt: -112,
  error: -113,
  move: -114,
  gap: -115,
  gone: -116,
  areYouThere: -120,
  here: -121,
  joined: 100,
  left: 103,
  revealed: 104,
  ended: 105,
} as const;

export const MAX_TYPE = 2_147_483_647;

/** Types that look like an application's own and are the server's. */
export const RESERVED_TYPES: ReadonlySet<number> = new Set([TYPE.joined, TYPE.left, TYPE.revealed, TYPE.ended]);
