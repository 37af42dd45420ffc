import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config, ResolvedSettings } from '../config/load-config.js';
import { mongoOptions } from '../settings-of-modules.js';
import type { EmbeddedStore } from '../storage/embedded/index.js';
import type { MongoStore } from '../storage/mongo/index.js';
import { EXIT } from './exit-codes.js';
import { CliFault } from './fault.js';
import { note } from './output.js';
import { requireSettings } from './settings.js';
import { startFault } from './start-fault.js';

export interface StoreOptions {
  readonly json?: boolean;
}

/** Begins another history, so that no client takes a restored backup for the inbox it knew. */
export async function newEpoch({ json = false }: StoreOptions, args: readonly string[]): Promise<number> {
  const config = requireSettings(args);
  const store = await openStore(config).catch((error: unknown) => {
    throw startFault(error, config.settings) ?? error;
  });
  try {
    const before = await store.epoch();
    const after = await store.newEpoch();
    console.log(json ? JSON.stringify({ before, after }) : `epoch ${before} is over, ${after} has begun`);
    note('Server nodes that run on this store now must be restarted.');
  } finally {
    await store.close();
  }
  return EXIT.ok;
}

async function openStore(config: Config): Promise<EmbeddedStore | MongoStore> {
  const mongo = mongoOptions(config);
  if (mongo) return (await import('../storage/mongo/index.js')).MongoStore.open(mongo);
  const dataDir = existingStore(config.settings);
  return (await import('../storage/embedded/index.js')).EmbeddedStore.open({ dataDir });
}

/** Opening would make a store where there is none, and a wrong directory would look like success. */
function existingStore({ DATA_DIR }: ResolvedSettings): string {
  if (existsSync(join(DATA_DIR, 'data.mdb'))) return DATA_DIR;
  throw new CliFault(EXIT.io, `there is no store in ${DATA_DIR}`, ['--data-dir names the directory of the server.']);
}
