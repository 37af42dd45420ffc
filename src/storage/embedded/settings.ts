import { Clock, SystemClock } from '../../common/clock.js';

/** What an embedded store may be told; everything but the folder has a default. */
export interface EmbeddedOptions {
  /** Folder of the store; made when it is missing. Several processes of one host may share it. */
  readonly dataDir: string;
  readonly clock?: Clock;
  /** How long a call may wait for the store, ms. */
  readonly deadlineMs?: number;
  /** Log rows that one commit carries at most. */
  readonly commitRows?: number;
  /** Told how long each commit took, seconds. */
  readonly onCommit?: (seconds: number) => void;
  /** Merge the index when so many rows wait for it. */
  readonly mergeRows?: number;
  /** Merge the index at least so often, ms. */
  readonly mergeIntervalMs?: number;
  /** Index entries that one transaction of a merge writes at most. */
  readonly mergeChunk?: number;
  /** Refuse durable messages below so much free space, bytes … */
  readonly minFreeBytes?: number;
  /** … or below this share of the disk, percent, whichever is less. */
  readonly minFreePercent?: number;
}

export type EmbeddedSettings = Required<EmbeddedOptions>;

export function settingsOf(options: EmbeddedOptions): EmbeddedSettings {
  return {
    clock: new SystemClock(),
    deadlineMs: 5_000,
    commitRows: 256,
    onCommit: () => {},
    mergeRows: 32_768,
    mergeIntervalMs: 10_000,
    mergeChunk: 1_024,
    minFreeBytes: 2 ** 30,
    minFreePercent: 10,
    ...options,
  };
}
