/** Exit codes that scripts can rely on; the numbers are those of sysexits.h. */
export const EXIT = {
  ok: 0,
  /** The command's own words are wrong. */
  usage: 64,
  /** Refused for good: another try will not help. */
  refused: 65,
  /** No server was reached, or none answered in time. */
  unavailable: 69,
  /** Something of ours is broken. */
  internal: 70,
  /** The store or a file cannot be read or written. */
  io: 74,
  /** Refused for now: try again later. */
  tryLater: 75,
  /** The key does not allow it. */
  noPermission: 77,
  /** The settings are wrong. */
  config: 78,
} as const;
