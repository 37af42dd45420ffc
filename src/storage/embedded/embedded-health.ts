import { statfs } from 'node:fs/promises';
import type { Timer } from '../../common/clock.js';
import { StoreHealth } from '../../modules/inbox/index.js';
import type { EmbeddedStore } from './embedded-store.js';

const CHECK_MS = 1_000;

/** Space on the disk, bytes. */
export interface DiskSpace {
  readonly free: number;
  readonly total: number;
}

/** Watches the disk: a full one breaks the store, so durable messages are refused before that. */
export class EmbeddedHealth extends StoreHealth {
  private disk: string | undefined;
  private timer: Timer | undefined;

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
    return health;
  }

  problem(): string | undefined {
    if (this.store.writes.failed) return 'the store failed';
    return this.store.isClosed ? 'the store is closed' : this.disk;
  }

  onFatal(call: (error: Error) => void): void {
    this.store.writes.onFatal(call);
  }

  stop(): void {
    this.timer?.cancel();
  }

  /** Looks at the disk; never rejects. */
  async check(): Promise<void> {
    try {
      this.disk = this.judge(await this.measure(this.store.settings.dataDir));
    } catch (error) {
      this.disk = `the free space is unknown: ${(error as Error).message}`;
    }
  }

  private judge({ free, total }: DiskSpace): string | undefined {
    const { minFreeBytes, minFreePercent } = this.store.settings;
    const needed = Math.min(minFreeBytes, (total * minFreePercent) / 100);
    return free < needed ? `the disk is almost full: ${mebibytes(free)} free, ${mebibytes(needed)} needed` : undefined;
  }
}

async function diskSpace(path: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize } = await statfs(path);
  return { free: bavail * bsize, total: blocks * bsize };
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 2 ** 20)} MiB`;
}
