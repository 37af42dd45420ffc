import { EmbeddedInboxLog } from '../../src/storage/embedded/index.js';
import { StoreFolder } from '../../src/storage/embedded/testing/store-folder.js';
import { appendOverPort } from '../support/append-over-port.js';

appendOverPort(
  'the embedded store',
  async () => {
    const folder = new StoreFolder({ mergeRows: 7, mergeChunk: 3 });
    const another = async (): Promise<EmbeddedInboxLog> => new EmbeddedInboxLog(await folder.open());
    return {
      log: await another(),
      second: another,
      reopen: another,
      tidy: () => folder.merge(),
      close: folder.remove,
    };
  },
  5,
);
