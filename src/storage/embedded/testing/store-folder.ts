import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '../../../common/clock.js';
import { EmbeddedStore } from '../embedded-store.js';
import type { EmbeddedOptions } from '../settings.js';

/** A temporary folder with a store in it, to be opened as often as a test wants. Its clocks stand still. */
export class StoreFolder {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'embedded-'));
  private opened: EmbeddedStore[] = [];

  constructor(private readonly options: Partial<EmbeddedOptions> = {}) {}

  async open(options: Partial<EmbeddedOptions> = {}): Promise<EmbeddedStore> {
    const { dataDir } = this;
    const store = await EmbeddedStore.open({ dataDir, clock: new ManualClock(), ...this.options, ...options });
    this.opened.push(store);
    return store;
  }

  async merge(): Promise<void> {
    for (const store of this.opened) await store.merger.merge();
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.opened.splice(0).map((store) => store.close()));
  }

  readonly remove = async (): Promise<void> => {
    await this.closeAll();
    rmSync(this.dataDir, { recursive: true, force: true });
  };
}
