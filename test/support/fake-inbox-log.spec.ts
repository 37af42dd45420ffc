import { inboxLogContract } from '../../src/modules/inbox/testing/index.js';
import { FakeInboxLog } from './fake-inbox-log.js';

inboxLogContract('the fake, so that what is tested with it holds for stores', async () => {
  const log = new FakeInboxLog({ maxBatch: 256 });
  const again = async (): Promise<FakeInboxLog> => log;
  return { log, second: again, reopen: again, tidy: async () => {}, close: async () => void (log.away = true) };
});
