import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Acknowledger, CountedCluster } from '../support/counted-cluster.js';
import { findMongo } from '../support/mongo.js';
import type { KeyRequest, TestServer } from '../support/test-server.js';

const PAIRS = 20;
const MESSAGES_EACH = 250;
const ALL = PAIRS * MESSAGES_EACH;
/** Of each sender without a receipt: load, but not one heap of everything. */
const AT_ONCE = 5;
const ALONE = 50;
const MOST_OPERATIONS = 2;
const MOST_READS = 0.1;
/** How many gather in one depends on the machine; alone it would be two for each. */
const MOST_TRIPS = 0.6;
const MOST_ALONE = 4;
const found = await findMongo();

let cluster: CountedCluster;

interface Way {
  readonly title: string;
  readonly name: string;
  readonly to: 'here' | 'there';
  readonly request?: KeyRequest;
}

const WAYS: readonly Way[] = [
  { title: 'within one server node', name: 'near', to: 'here' },
  { title: 'from one to another', name: 'far', to: 'there' },
  {
    title: 'from one to another, of nodes of one client, who are told when nobody is there',
    name: 'kin',
    to: 'there',
    request: { clientId: 'kin' },
  },
];

/** Pairs, half of them in each direction: each server node has senders and readers. */
async function pairs({ name, to, request }: Way): Promise<Array<{ sender: Acknowledger; reader: Acknowledger }>> {
  const servers: [TestServer, TestServer] = [cluster.here, cluster[to]];
  const opened: Array<{ sender: Acknowledger; reader: Acknowledger }> = [];
  for (let i = 0; i < PAIRS; i += 1) {
    const [from, at] = i % 2 === 0 ? servers : (servers.toReversed() as typeof servers);
    const reader = await Acknowledger.open(at, `${name}-r${i}`, request);
    opened.push({ reader, sender: await Acknowledger.open(from, `${name}-s${i}`, request) });
  }
  return opened;
}

describe.skipIf(!found)('a durable message on MongoDB', () => {
  beforeAll(async () => {
    cluster = await CountedCluster.start(found!);
  });
  afterAll(() => cluster.stop());

  describe(`costs at most ${MOST_OPERATIONS} operations under load, look-ups and acknowledgement included`, () => {
    it.each(WAYS.map((way) => [way.title, way] as const))('%s', async (_, way) => {
      const { operations } = cluster;
      const opened = await pairs(way);
      operations.begin();
      const sends = opened.map(({ sender }, i) =>
        sender.sendAll({ dest_id: `${way.name}-r${i}` }, MESSAGES_EACH, AT_ONCE),
      );
      const stored = (await Promise.all(sends)).reduce((sum, each) => sum + each, 0);
      await Promise.all(opened.map(({ reader }) => reader.has(MESSAGES_EACH)));
      await cluster.settled(`${way.name}-r`, ALL);
      console.log(`${ALL} messages ${way.title}, for each ${operations.told(ALL)}`);
      expect(stored).toBe(ALL);
      expect(operations.writes).toBeGreaterThan(ALL);
      expect(operations.total / ALL).toBeLessThanOrEqual(MOST_OPERATIONS);
      expect(operations.reads / ALL).toBeLessThanOrEqual(MOST_READS);
      expect(operations.trips / ALL).toBeLessThanOrEqual(MOST_TRIPS);
      // Who stays where it is is not looked for again and again, whoever may see whether it is there.
      expect(operations.of('find connections') + operations.of('find nodes')).toBeLessThan(ALL / 50);
      for (const { sender, reader } of opened) for (const { socket } of [sender, reader]) socket.close();
    });
  });

  it(`costs more alone, where nothing gathers, and at most ${MOST_ALONE}`, async () => {
    const { operations, here, there } = cluster;
    const reader = await Acknowledger.open(there, 'lone-reader');
    const sender = await Acknowledger.open(here, 'lone-sender');
    operations.begin();
    for (let sent = 1; sent <= ALONE; sent += 1) {
      expect(await sender.sendAll({ dest_id: 'lone-reader', id: `lone-${sent}` }, 1, 1)).toBe(1);
      await reader.has(sent);
      await operations.until(() => operations.of('update log_marks') === sent);
    }
    console.log(`${ALONE} messages, one after the other, for each ${operations.told(ALONE)}`);
    expect(operations.of('insert log_rows')).toBe(ALONE);
    expect(operations.total / ALONE).toBeGreaterThan(MOST_OPERATIONS);
    expect(operations.total / ALONE).toBeLessThanOrEqual(MOST_ALONE);
    expect(operations.trips / ALONE).toBeLessThanOrEqual(MOST_ALONE);
  });
});
