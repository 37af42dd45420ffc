/** The closed list of close codes. A client decides by the range: below 4500 (and 1001, 1006, 1011–1013) it comes back. */
export const CLOSE = {
  normal: 1000,
  unsupportedData: 1003,
  notUtf8: 1007,
  tooBig: 1009,
  internal: 1011,
  restart: 1012,
  tryLater: 1013,
  slowReader: 4000,
  noPong: 4001,
  keyExpired: 4002,
  tooManyConnections: 4003,
  failedNotResent: 4004,
  behindFloor: 4005,
  revoked: 4500,
  disconnected: 4501,
  abuse: 4502,
} as const;

export type CloseCode = (typeof CLOSE)[keyof typeof CLOSE];

const COME_BACK: ReadonlySet<number> = new Set([1001, 1006, 1011, 1012, 1013]);

/** Whether a client comes back by itself after this code. */
export function invitesBack(code: number): boolean {
  return COME_BACK.has(code) || (code >= 4000 && code < 4500);
}

/** Room for a reason in a close frame. */
export const CLOSE_REASON_BYTES = 123;

/** The reason text of a close: the codes that invite back say after how many ms, the others what they were given. */
export function closeReason(code: number, retryAfterMs: number, text = ''): string {
  if (invitesBack(code)) return `retry_after_ms=${Math.round(retryAfterMs)}`;
  const room = Buffer.from(text).subarray(0, CLOSE_REASON_BYTES);
  // As a stream, a character that was cut is left out.
  return new TextDecoder().decode(room, { stream: true });
}
