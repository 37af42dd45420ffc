import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MongoStore } from '../../src/storage/mongo/index.js';
import { findMongo, startMongo, type TestMongo } from '../support/mongo.js';
import { runProgram } from '../support/server-process.js';

const found = await findMongo();
const SECRET = 'a secret of the tests, at least 32 bytes long';

describe.skipIf(!found)('store new-epoch', () => {
  let mongo: TestMongo;
  beforeAll(async () => {
    const setup = found?.setups[0];
    if (found && setup) mongo = await startMongo(setup, found);
  });
  afterAll(() => mongo?.stop());

  it('begins another history in MongoDB', async () => {
    const uri = mongo.freshUri();
    const store = await MongoStore.open({ uri });
    const env = { MONGODB_URI: uri, AUTH_SECRET: SECRET, LINK_SECRET: SECRET };
    const { code, stdout } = await runProgram(['store', 'new-epoch', '--json'], { env });
    const { before, after } = JSON.parse(stdout[0] ?? '{}') as { before: string; after: string };
    expect(code).toBe(0);
    expect(before).toBe(store.epochAtOpening);
    expect(after).not.toBe(before);
    expect(await store.epoch()).toBe(after);
    await store.close();
    await mongo.drop(uri);
  });

  it('names the host and ends with 69 when MongoDB is not there', async () => {
    const env = { MONGODB_URI: 'mongodb://127.0.0.1:1/x', AUTH_SECRET: SECRET, LINK_SECRET: SECRET };
    const { code, stderr } = await runProgram(['store', 'new-epoch'], { env });
    expect(code).toBe(69);
    expect(stderr.join('\n')).toContain('127.0.0.1:1');
  });
});
