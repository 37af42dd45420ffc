import { afterAll, beforeAll, describe } from 'vitest';
import { inboxLogContract } from '../../src/modules/inbox/testing/index.js';
import { MongoInboxLog, MongoStore } from '../../src/storage/mongo/index.js';
import { findMongo, startMongo, type TestMongo } from '../support/mongo.js';

type Adapter<P> = new (store: MongoStore) => P;

const found = await findMongo();

describe.skipIf(!found).each(found?.setups ?? ['standalone'])('%s', (setup) => {
  let mongo: TestMongo;
  beforeAll(async () => void (mongo = await startMongo(setup, found!)), 60_000);
  afterAll(() => mongo.stop());

  async function opened<P>(Port: Adapter<P>) {
    const uri = mongo.freshUri();
    const stores: MongoStore[] = [];
    const another = async (): Promise<P> => {
      const store = await MongoStore.open({ uri });
      stores.push(store);
      return new Port(store);
    };
    const closeAll = async (): Promise<void> =>
      void (await Promise.all(stores.splice(0).map((store) => store.close())));
    const close = async (): Promise<void> => {
      await closeAll();
      await mongo.drop(uri);
    };
    const reopen = async (): Promise<P> => {
      await closeAll();
      return another();
    };
    return { port: await another(), second: another, reopen, tidy: async () => undefined, close };
  }

  inboxLogContract(`MongoDB`, async () => {
    const { port, ...rest } = await opened(MongoInboxLog);
    return { log: port, ...rest };
  });
});
