import { afterAll, beforeAll, describe } from 'vitest';
import { MongoInboxLog, MongoStore } from '../../src/storage/mongo/index.js';
import { appendOverPort } from '../support/append-over-port.js';
import { findMongo, PATIENT, startMongo, type TestMongo } from '../support/mongo.js';

const found = await findMongo();

describe.skipIf(!found)('append', () => {
  let mongo: TestMongo;
  beforeAll(async () => {
    const setup = found?.setups.at(-1);
    if (found && setup) mongo = await startMongo(setup, found);
  });
  afterAll(() => mongo?.stop());

  appendOverPort(
    'MongoDB',
    async () => {
      const uri = mongo.freshUri();
      const stores: MongoStore[] = [];
      const another = async (): Promise<MongoInboxLog> => {
        const store = await MongoStore.open({ ...PATIENT, uri });
        stores.push(store);
        return new MongoInboxLog(store);
      };
      const close = async (): Promise<void> => {
        await Promise.all(stores.map((store) => store.close()));
        await mongo.drop(uri);
      };
      return { log: await another(), second: another, reopen: another, tidy: async () => undefined, close };
    },
    2,
  );
});
