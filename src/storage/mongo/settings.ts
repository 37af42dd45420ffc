import { Clock, SystemClock } from '../../common/clock.js';

/** What a store in MongoDB may be told; everything but the address has a default. */
export interface MongoOptions {
  /** Connection string; may hold a password. Its path names the database (`allspark` without one). */
  readonly uri: string;
  readonly clock?: Clock;
  /** Longest wait for the answer to a call, from when it is handed in, ms. */
  readonly timeoutMs?: number;
  /** Longest wait of the server for its majority, ms; below `timeoutMs`, so that the server is who gives up first. */
  readonly wtimeoutMs?: number;
  /** Longest search for a primary, ms. */
  readonly serverSelectionMs?: number;
  /** Log rows that one insert carries at most. */
  readonly commitRows?: number;
  /** Told how long each insert of log rows took, seconds. */
  readonly onCommit?: (seconds: number) => void;
}

export type MongoSettings = Required<MongoOptions>;

export function settingsOf(options: MongoOptions): MongoSettings {
  return {
    clock: new SystemClock(),
    timeoutMs: 4_000,
    wtimeoutMs: 3_500,
    serverSelectionMs: 3_000,
    commitRows: 512,
    onCommit: () => {},
    ...options,
  };
}
