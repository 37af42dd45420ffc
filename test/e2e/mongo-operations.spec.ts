import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MongoStore } from '../../src/storage/mongo/index.js';
import { findMongo, startMongo, type TestMongo } from '../support/mongo.js';
import { TestServer } from '../support/test-server.js';

const PAIRS = 20;
const MESSAGES_EACH = 250;
/** Of each sender before it waits for receipts: load, but not one heap of everything. */
const AT_ONCE = 5;
const MOST_OPERATIONS = 2;
const found = await findMongo();

describe.skipIf(!found)('the cost of a message on MongoDB', () => {
  let mongo: TestMongo;
  let uri: string;
  let server: TestServer;

  beforeAll(async () => {
    mongo = await startMongo(found!.setups.at(-1)!, found!);
    uri = mongo.freshUri();
    server = await TestServer.start({
      MONGODB_URI: `${uri}${uri.includes('?') ? '&' : '?'}monitorCommands=true`,
      LINK_SECRET: 'a secret of the links of tests, 32 bytes or more',
      RATE_PER_SECOND: '0',
    });
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    await mongo.drop(uri);
    await mongo.stop();
  });

  it(`is at most ${MOST_OPERATIONS} operations under load, from the sender to the acknowledgement`, async () => {
    const counts = new Map<string, number>();
    const client = server.running.app.get(MongoStore).connection.getClient();
    const all = Promise.all(Array.from({ length: PAIRS }, (_, i) => pair(`s${i}`, `r${i}`)));
    client.on('commandStarted', ({ commandName }) => counts.set(commandName, (counts.get(commandName) ?? 0) + 1));
    await all;
    const operations = [...counts.values()].reduce((sum, count) => sum + count, 0);
    const each = operations / (PAIRS * MESSAGES_EACH);
    console.log(`${each.toFixed(2)} operations a message: ${JSON.stringify(Object.fromEntries(counts))}`);
    expect(each).toBeLessThanOrEqual(MOST_OPERATIONS);
  });

  /** One sends to the other, who acknowledges; resolves when the last message was acknowledged for good. */
  async function pair(from: string, to: string): Promise<void> {
    let arrived = 0;
    let last!: () => void;
    const received = new Promise<void>((resolve) => (last = resolve));
    const receiver = server.client(to, {
      onMessage: () => {
        if ((arrived += 1) === MESSAGES_EACH) last();
      },
    });
    await receiver.connect();
    const sender = server.client(from);
    await sender.connect();
    for (let sent = 0; sent < MESSAGES_EACH; sent += AT_ONCE) {
      const some = Array.from({ length: AT_ONCE }, (_, i) => sender.send({ destId: to, payload: sent + i }));
      await Promise.all(some);
    }
    await received;
    while ((await acked(to)) < MESSAGES_EACH);
  }

  async function acked(nodeId: string): Promise<number> {
    const page = (await server.json(nodeId, '/v1/inbox?limit=1')) as { acked_seq: number };
    return page.acked_seq;
  }
});
