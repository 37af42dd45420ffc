import { statfs } from 'node:fs/promises';
import type { Timer } from '../../common/clock.js';
import { StoreHealth } from '../../modules/inbox/index.js';
import type { EmbeddedStore } from './embedded-store.js';

const CHECK_MS = 1_000;
/** A write that waits so long stands behind a stuck disk or a stuck process, and not behind a busy one. */
const SLOW_MS = 1_000;
/** Look again when rows of this part of the room that is left were written; they take up more than their bytes. */
const PART_OF_ROOM = 1 / 8;
/** A look costs about as much as writing this. */
const LEAST_BYTES = 64 * 1_024;

/** Space on the disk, bytes. */
export interface DiskSpace {
  readonly free: number;
  readonly total: number;
}

/** Watches the disk: a full one breaks the store, so durable messages are refused before that. */
export class EmbeddedHealth extends StoreHealth {
  private disk: string | undefined;
  private timer: Timer | undefined;
  private isLooking = false;
  /** As a count of bytes appended. */
  private lookAgainAt = 0;

  private constructor(
    private readonly store: EmbeddedStore,
    private readonly measure: (path: string) => Promise<DiskSpace>,
  ) {
    super();
  }

  /** Watches from now on; has looked once when it resolves. */
  static async watch(store: EmbeddedStore, measure = diskSpace): Promise<EmbeddedHealth> {
    const health = new EmbeddedHealth(store, measure);
    await health.check();
    health.timer = store.settings.clock.every(CHECK_MS, () => void health.check());
    // A small disk can be filled between two ticks.
    store.onCommitted(() => health.committed());
    return health;
  }

  problem(): string | undefined {
    if (this.store.writes.failed) return 'the store failed';
    return this.store.isClosed ? 'the store is closed' : this.disk;
  }

  override silentMs(): number {
    const waitedMs = this.store.writes.oldestMs;
    return waitedMs < SLOW_MS ? 0 : waitedMs;
  }

  override slowness(): string | undefined {
    const waitedMs = this.silentMs();
    return waitedMs === 0 ? undefined : `a write has been waiting for ${Math.floor(waitedMs / 1_000)} s`;
  }

  override get isStuck(): boolean {
    return this.store.isStuck;
  }

  onFatal(call: (error: Error) => void): void {
    this.store.writes.onFatal(call);
  }

  stop(): void {
    this.timer?.cancel();
  }

  private committed(): void {
    if (!this.isLooking && this.store.journal.appendedBytes >= this.lookAgainAt) void this.check();
  }

  /** Looks at the disk; never rejects. */
  async check(): Promise<void> {
    this.isLooking = true;
    const appended = this.store.journal.appendedBytes;
    try {
      const space = await this.measure(this.store.settings.dataDir);
      const needed = this.needed(space);
      this.disk = judge(space.free, needed);
      this.lookAgainAt = appended + Math.max(LEAST_BYTES, (space.free - needed) * PART_OF_ROOM);
    } catch (error) {
      this.disk = `the free space is unknown: ${(error as Error).message}`;
    }
    this.isLooking = false;
  }

  private needed({ total }: DiskSpace): number {
    const { minFreeBytes, minFreePercent } = this.store.settings;
    return Math.min(minFreeBytes, (total * minFreePercent) / 100);
  }
}

function judge(free: number, needed: number): string | undefined {
  return free < needed ? `the disk is almost full: ${mebibytes(free)} free, ${mebibytes(needed)} needed` : undefined;
}

async function diskSpace(path: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize } = await statfs(path);
  return { free: bavail * bsize, total: blocks * bsize };
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 2 ** 20)} MiB`;
}
