import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ResolvedSettings } from '../config/load-config.js';
import { EXIT } from './exit-codes.js';
import { CliFault } from './fault.js';
import { note } from './output.js';
import { requireSettings } from './settings.js';
import { startFault } from './start-fault.js';

export interface StoreOptions {
  readonly json?: boolean;
}

/** Begins another history in the embedded store, so that no client takes a restored backup for the inbox it knew. */
export async function newEpoch({ json = false }: StoreOptions, args: readonly string[]): Promise<number> {
  const { settings } = requireSettings(args);
  const dataDir = existingStore(settings);
  const { EmbeddedStore } = await import('../storage/embedded/embedded-store.js');
  const store = await EmbeddedStore.open({ dataDir }).catch((error: unknown) => {
    throw startFault(error, settings) ?? error;
  });
  try {
    const before = store.epoch();
    const after = await store.newEpoch();
    console.log(json ? JSON.stringify({ before, after }) : `epoch ${before} is over, ${after} has begun`);
    note('Server nodes that run on this store now must be restarted.');
  } finally {
    await store.close();
  }
  return EXIT.ok;
}

/** Opening would make a store where there is none, and a wrong directory would look like success. */
function existingStore({ DATA_DIR, MONGODB_URI }: ResolvedSettings): string {
  if (MONGODB_URI !== undefined) {
    throw new CliFault(EXIT.config, 'MONGODB_URI is set: this command is for the embedded store');
  }
  if (existsSync(join(DATA_DIR, 'data.mdb'))) return DATA_DIR;
  throw new CliFault(EXIT.io, `there is no store in ${DATA_DIR}`, ['--data-dir names the directory of the server.']);
}
