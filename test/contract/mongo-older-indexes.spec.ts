import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectionRow } from '../../src/modules/connections/testing/index.js';
import { MongoDirectory, MongoStore } from '../../src/storage/mongo/index.js';
import { findMongo, PATIENT, startMongo, type TestMongo } from '../support/mongo.js';

const found = await findMongo();

describe.skipIf(!found)('connections on a MongoDB that an older version has opened', () => {
  let mongo: TestMongo;
  let uri: string;
  let store: MongoStore;
  beforeAll(async () => void (mongo = await startMongo(found!.setups[0]!, found!)));
  afterAll(() => mongo.stop());
  beforeEach(async () => {
    uri = mongo.freshUri();
    store = await MongoStore.open({ ...PATIENT, uri });
  });
  afterEach(async () => {
    await store.close();
    await mongo.drop(uri);
  });

  /** As the older version makes it at its start. */
  async function makeOldIndex(): Promise<void> {
    const connections = store.connection.collection('connections');
    await connections.createIndex({ nodeId: 1, connectionId: 1 }, { unique: true, name: 'node_connection' });
  }

  const moving = connectionRow('a', 'c1', { moving: true });

  it('move, and leave their places', async () => {
    await makeOldIndex();
    await store.close();
    store = await MongoStore.open({ ...PATIENT, uri });
    const directory = new MongoDirectory(store);
    expect(await directory.register(connectionRow('a', 'c1'), 1)).toBe(true);
    expect(await directory.register(moving, 1)).toBe(true);
    expect(await directory.register(connectionRow('a', 'c2'), 1)).toBe(true);
    expect(await directory.of(['a'])).toEqual([[moving, connectionRow('a', 'c2')]]);
  });

  it('stay in their places, and hold up no others, when that version has started again beside this one', async () => {
    await makeOldIndex();
    const directory = new MongoDirectory(store);
    await directory.register(connectionRow('a', 'c1'), 1);
    const outcomes = [directory.register(moving, 1), directory.register(connectionRow('b', 'c2'), 1)];
    expect(await Promise.all(outcomes)).toEqual([false, true]);
    expect(await directory.of(['a'])).toEqual([[connectionRow('a', 'c1')]]);
  });
});
