import { endOrdersContract, validationKeyStoreContract } from '../../src/modules/auth/testing/index.js';
import { directoryContract } from '../../src/modules/connections/testing/index.js';
import { inboxLogContract, storeHealthContract } from '../../src/modules/inbox/testing/index.js';
import { nodeRegistryContract, serverNodesContract } from '../../src/modules/nodes/testing/index.js';
import { groupLogContract } from '../../src/modules/sessions/testing/index.js';
import {
  EmbeddedDirectory,
  EmbeddedEndOrders,
  EmbeddedGroupLog,
  EmbeddedHealth,
  EmbeddedInboxLog,
  EmbeddedNodeRegistry,
  EmbeddedServerNodes,
  EmbeddedValidationKeys,
  type EmbeddedOptions,
  type EmbeddedStore,
} from '../../src/storage/embedded/index.js';
import { StoreFolder } from '../../src/storage/embedded/testing/store-folder.js';

type Adapter<P> = new (store: EmbeddedStore) => P;

async function opened<P>(Port: Adapter<P>, options: Partial<EmbeddedOptions> = {}) {
  const folder = new StoreFolder(options);
  // The processes on it share a host, and so a clock: none is wrong.
  const another = async (): Promise<P> => new Port(await folder.open());
  return {
    port: await another(),
    second: another,
    reopen: async () => {
      await folder.closeAll();
      return another();
    },
    tidy: () => folder.merge(),
    close: folder.remove,
  };
}

async function openInboxLog(options: Partial<EmbeddedOptions>) {
  const { port, ...rest } = await opened(EmbeddedInboxLog, options);
  return { log: port, ...rest };
}

inboxLogContract('the embedded store', () => openInboxLog({}));
inboxLogContract('the embedded store with small strides', () => openInboxLog({ mergeRows: 7, mergeChunk: 3 }));

/** The adapters that share what a group's log says. */
class GroupStore {
  readonly groups: EmbeddedGroupLog;
  readonly log: EmbeddedInboxLog;

  constructor(store: EmbeddedStore) {
    this.groups = new EmbeddedGroupLog(store);
    this.log = new EmbeddedInboxLog(store);
  }
}

groupLogContract('the embedded store', async () => {
  const { port, ...rest } = await opened(GroupStore, { mergeRows: 7, mergeChunk: 3 });
  return { groups: port.groups, log: port.log, ...rest };
});

directoryContract('the embedded store', async () => {
  const { port, ...rest } = await opened(EmbeddedDirectory);
  return { directory: port, ...rest };
});

nodeRegistryContract('the embedded store', async () => {
  const { port, ...rest } = await opened(EmbeddedNodeRegistry);
  return { registry: port, ...rest };
});

serverNodesContract('the embedded store', async () => {
  const { port, ...rest } = await opened(EmbeddedServerNodes);
  return { serverNodes: port, ...rest };
});

validationKeyStoreContract('the embedded store', async () => {
  const { port, ...rest } = await opened(EmbeddedValidationKeys);
  return { keys: port, ...rest };
});

endOrdersContract('the embedded store', async () => {
  const { port, ...rest } = await opened(EmbeddedEndOrders);
  return { orders: port, ...rest };
});

storeHealthContract('the embedded store', async () => {
  const folder = new StoreFolder();
  const store = await folder.open();
  let free = 2 ** 40;
  const health = await EmbeddedHealth.watch(store, async () => ({ free, total: 2 ** 41 }));
  const setFree = (bytes: number): Promise<void> => {
    free = bytes;
    return health.check();
  };
  const breakStore = async (): Promise<void> => {
    const throwing = store.writes.run(1, () => {
      throw new Error('the disk is gone');
    });
    await throwing.catch(() => undefined);
  };
  return { health, spoil: () => setFree(2 ** 20), mend: () => setFree(2 ** 40), breakStore, close: folder.remove };
});
