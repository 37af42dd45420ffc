import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ValidationKeyStore } from '../../modules/auth/index.js';
import { Directory } from '../../modules/connections/index.js';
import { InboxLog, inboxLogOf, StoreHealth, StoreUnavailable } from '../../modules/inbox/index.js';
import { logRow } from '../../modules/inbox/testing/index.js';
import { NodeRegistry, ServerNodes } from '../../modules/nodes/index.js';
import { GroupLog } from '../../modules/sessions/index.js';
import { EmbeddedStorageModule } from './embedded-storage.module.js';
import { StoreFolder } from './testing/store-folder.js';

const A = inboxLogOf('a');
const PORTS = [InboxLog, GroupLog, Directory, NodeRegistry, ServerNodes, ValidationKeyStore, StoreHealth];

/** Writes when it is told to stop, as a service does that has something left. */
@Injectable()
class LastWriter implements OnModuleDestroy {
  outcome: Promise<unknown> | undefined;

  constructor(private readonly log: InboxLog) {}

  onModuleDestroy(): void {
    this.outcome = this.log.insert([logRow(A, 1)]);
  }
}

let folder: StoreFolder;
beforeEach(() => void (folder = new StoreFolder()));
afterEach(() => folder.remove());

async function start() {
  const imports = [EmbeddedStorageModule.forRoot({ dataDir: folder.dataDir })];
  const app = await Test.createTestingModule({ imports, providers: [LastWriter] }).compile();
  return app.init();
}

describe('the embedded storage module', () => {
  it.each(PORTS)('provides %o', async (port) => {
    const app = await start();
    expect(app.get(port)).toBeInstanceOf(port);
    await app.close();
  });

  it('makes room for a port of which the application has a provider of its own', async () => {
    const own = {} as Directory;
    const providers = [{ provide: Directory, useValue: own }];
    const imports = [EmbeddedStorageModule.forRoot({ dataDir: folder.dataDir }, { providers })];
    const app = await (await Test.createTestingModule({ imports }).compile()).init();
    expect(app.get(Directory)).toBe(own);
    await app.close();
  });

  it('opens the store that a factory tells it of', async () => {
    const imports = [EmbeddedStorageModule.forRootAsync({ useFactory: () => ({ dataDir: folder.dataDir }) })];
    const app = await (await Test.createTestingModule({ imports }).compile()).init();
    expect(await app.get(InboxLog).insert([logRow(A, 1)])).toEqual({ inserted: 1 });
    await app.close();
  });

  it('stores what is written while the application stops, and refuses what comes after', async () => {
    const app = await start();
    const [log, writer] = [app.get(InboxLog), app.get(LastWriter)];
    await app.close();
    expect(await writer.outcome).toEqual({ inserted: 1 });
    await expect(log.insert([logRow(A, 2)])).rejects.toBeInstanceOf(StoreUnavailable);
    const again = await start();
    expect((await again.get(InboxLog).newest([A]))[0]?.n).toBe(1);
    await again.close();
  });
});
