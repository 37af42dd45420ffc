import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findMongo, startMongo, type TestMongo } from '../support/mongo.js';
import { ProcessNode } from '../support/process-node.js';
import { runProgram } from '../support/server-process.js';
import { expectWaitsForBob } from '../support/wait-for-absent.js';

const LINK_SECRET = 'a secret of the links of tests, 32 bytes or more';
const found = await findMongo();

describe.skipIf(!found).each([...(found?.setups ?? [undefined])])('on MongoDB, %s', (setup) => {
  let mongo: TestMongo;
  let uri: string;
  beforeAll(async () => {
    mongo = await startMongo(setup!, found!);
    uri = mongo.freshUri();
  });
  afterAll(async () => {
    await mongo.drop(uri);
    await mongo.stop();
  });

  it('a message waits for who is away, and arrives from the next process after a kill', async () => {
    const server = await ProcessNode.start({ MONGODB_URI: uri, LINK_SECRET });
    await expectWaitsForBob(server, () => server.killAndRestart());
    await server.remove();
  });
});

it('a start without its MongoDB ends soon, and says where it was looked for', async () => {
  const env = {
    MONGODB_URI: 'mongodb://user:canary@127.0.0.1:9/db',
    MONGODB_SERVER_SELECTION_MS: '300',
    AUTH_SECRET: LINK_SECRET,
    LINK_SECRET,
  };
  const { code, stdout, stderr } = await runProgram(['start', '--port', '0'], { env });
  const said = [...stdout, ...stderr].join('\n');
  expect(code).toBe(69);
  expect(said).toContain('127.0.0.1:9');
  expect(said).not.toContain('canary');
});
