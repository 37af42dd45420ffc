import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findMongo, startMongo, type TestMongo } from '../support/mongo.js';
import { ProcessNode } from '../support/process-node.js';
import { upTo } from '../support/session-talk.js';
import { Talker } from '../support/talker.js';
import { TestServer } from '../support/test-server.js';
import { linkFrames } from '../support/two-servers.js';

const EACH = 5;
const SETTINGS = { POLL_INTERVAL_MS: '100', POLL_JITTER_MS: '10', RATE_PER_SECOND: '0' };
/** Neither lets the other in. */
const SECRETS = [
  'the secret of the links of one of the two, 32 bytes',
  'the secret of the links of the other, 32 bytes',
];
const found = await findMongo();
const FAMILIES = ['one embedded data folder', 'MongoDB'] as const;

describe.each(FAMILIES)('two processes without a link between them, on %s', (family) => {
  const test = it.skipIf(family === 'MongoDB' && !found);
  let mongo: TestMongo | undefined;
  let uri = '';
  let here: TestServer;
  let there: ProcessNode;

  beforeAll(async () => {
    if (family === 'MongoDB' && !found) return;
    mongo = family === 'MongoDB' ? await startMongo(found!.setups.at(-1)!, found!) : undefined;
    uri = mongo?.freshUri() ?? '';
    const shared = { ...SETTINGS, ...(mongo && { MONGODB_URI: uri }) };
    here = await TestServer.start({ ...shared, LINK_SECRET: SECRETS[0]! });
    there = await ProcessNode.start({ ...shared, LINK_SECRET: SECRETS[1]!, DATA_DIR: here.dataDir });
  });
  afterEach(() => Talker.hangUp());
  afterAll(async () => {
    await there?.remove();
    await here?.stop();
    await mongo?.drop(uri);
    await mongo?.stop();
  });

  test('deliver what the other stored, by the poll of their readers alone', async () => {
    const [bob, carol] = await Promise.all([Talker.open(here, 'bob'), Talker.open(there, 'carol')]);
    for (const [from, to, dest] of [
      [bob, carol, 'carol'],
      [carol, bob, 'bob'],
    ] as const) {
      for (const payload of upTo(EACH)) {
        expect(await from.ask({ dest_id: dest, payload })).toMatchObject({ status: 'stored' });
        expect(await to.nextEntries(1)).toMatchObject([{ seq: payload, payload }]);
      }
    }
    expect([await linkFrames(here, 'sent'), await linkFrames(here, 'received')]).toEqual([0, 0]);
  });
});
