import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Acknowledger, CountedCluster } from '../support/counted-cluster.js';
import { SystemClock } from '../../src/common/clock.js';
import { InboxLog, InboxSettings } from '../../src/modules/inbox/index.js';
import { Retention } from '../../src/modules/inbox/retention.js';
import { findMongo } from '../support/mongo.js';
import { Party } from '../support/party.js';

const SESSION_MESSAGES = 50;
const AT_ONCE = 5;
const CROWD = 50;
const SECONDS_OF_NODES = 10;
/** Heartbeats and the like of both server nodes are among all these. */
const MOST_READS_OF_SESSION = 3;
const MOST_TRIPS_OF_SESSION = new Map([
  [2, 3],
  [16, 6],
  [128, 20],
]);
/** Reads and round trips of each connection that comes, and of each that goes. */
const MOST_OF_CONNECTIONS = new Map([
  [1, { reads: 18, trips: 20, going: 12 }],
  [CROWD, { reads: 6, trips: 7, going: 1 }],
]);
const MOST_WRITES_A_SECOND = 1;
const MOST_A_SECOND = 6;
const MOST_A_ROUND = 8;
const found = await findMongo();

let cluster: CountedCluster;
let open: Acknowledger[] = [];

/** One after the other in turn here and there. */
async function members(name: string, count: number): Promise<Acknowledger[]> {
  const servers = [cluster.here, cluster.there];
  const opening = Array.from({ length: count }, (_, i) => Acknowledger.open(servers[i % 2]!, `${name}-${i}`));
  open = await Promise.all(opening);
  return open;
}

/** Resolves when everything is written that is written of it: nothing of it is counted among what comes next. */
async function leave(): Promise<void> {
  const { operations } = cluster;
  const noted = operations.writesTo('nodes') + open.length;
  for (const { socket } of open) socket.close();
  open = [];
  await cluster.deserted();
  await operations.until(() => operations.writesTo('nodes') >= noted);
}

describe.skipIf(!found)('what is asked of MongoDB', () => {
  beforeAll(async () => {
    cluster = await CountedCluster.start(found!);
  });
  afterEach(leave);
  afterAll(() => cluster.stop());

  it.each([2, 16, 128])(
    'for a message to a session of %i: a row and an acknowledgement for each other member',
    async (count) => {
      const { operations } = cluster;
      const name = `of-${count}`;
      const [sender, ...others] = await members(name, count);
      const nodes = Array.from({ length: count }, (_, i) => ({ node_id: `${name}-${i}` }));
      await Party.app(cluster.here).done('POST', '/v1/sessions', { session_id: name, members: nodes });
      await cluster.settled(name, 0);
      operations.begin();
      const stored = await sender!.sendAll({ dest_session_id: name }, SESSION_MESSAGES, AT_ONCE);
      await Promise.all(others.map((other) => other.has(SESSION_MESSAGES)));
      await cluster.settled(name, SESSION_MESSAGES * (count - 1));
      console.log(
        `${SESSION_MESSAGES} messages to a session of ${count}, for each ${operations.told(SESSION_MESSAGES)}`,
      );
      expect(stored).toBe(SESSION_MESSAGES);
      const rows = SESSION_MESSAGES * count;
      expect(operations.writesTo('log_rows')).toBeGreaterThanOrEqual(rows);
      expect(operations.writesTo('log_rows')).toBeLessThan(rows + SESSION_MESSAGES);
      expect(operations.writesTo('log_marks')).toBeLessThanOrEqual(rows);
      expect(operations.writesTo('log_marks')).toBeGreaterThanOrEqual(count - 1);
      expect(operations.reads / SESSION_MESSAGES).toBeLessThanOrEqual(MOST_READS_OF_SESSION);
      expect(operations.trips / SESSION_MESSAGES).toBeLessThanOrEqual(MOST_TRIPS_OF_SESSION.get(count)!);
    },
  );

  it('for connections that come and go: two writes each time, and a few reads for those that come', async () => {
    const { operations } = cluster;
    for (const [count, most] of MOST_OF_CONNECTIONS) {
      operations.begin();
      await members(`crowd-of-${count}`, count);
      console.log(`${count} connections that come, for each ${operations.told(count)}`);
      expect([operations.writesTo('connections'), operations.writesTo('nodes')]).toEqual([count, count]);
      expect(operations.reads / count).toBeLessThanOrEqual(most.reads);
      expect(operations.trips / count).toBeLessThanOrEqual(most.trips);
      operations.begin();
      await leave();
      console.log(`${count} connections that go, for each ${operations.told(count)}`);
      expect([operations.writesTo('connections'), operations.writesTo('nodes')]).toEqual([count, count]);
      expect(operations.trips / count).toBeLessThanOrEqual(most.going);
    }
  });

  it('for a log that a server node looks through for what is over: a few questions, each round', async () => {
    const { operations } = cluster;
    const app = cluster.here.running.app;
    const [log, settings] = [app.get(InboxLog, { strict: false }), app.get(InboxSettings, { strict: false })];
    const [sender] = await members('collected', CROWD);
    for (let i = 1; i < CROWD; i += 1) await sender!.sendAll({ dest_id: `collected-${i}` }, 1, 1);
    await cluster.settled('collected', CROWD - 1);
    const logs = (await log.logs('', Number.MAX_SAFE_INTEGER)).length;
    operations.begin();
    await new Retention(log, settings, new SystemClock()).round();
    console.log(`a round of one server node over ${logs} logs, for each ${operations.told(logs)}`);
    expect(logs).toBeGreaterThanOrEqual(CROWD - 1);
    expect(operations.of('find log_marks')).toBeGreaterThanOrEqual(logs);
    expect(operations.total / logs).toBeLessThanOrEqual(MOST_A_ROUND);
  });

  it.each([0, 40])('by server nodes in a second, with %i connections: a few questions', async (count) => {
    const { operations } = cluster;
    await members(`reader-of-${count}`, count);
    operations.begin();
    // Each server node asks for orders to end something once a second.
    await operations.until(() => operations.of('find end_orders') === SECONDS_OF_NODES);
    console.log(`${count} connections, for each server node in a second ${operations.told(SECONDS_OF_NODES)}`);
    expect(operations.of('update server_nodes')).toBeGreaterThan(0);
    expect(operations.trips / SECONDS_OF_NODES).toBeLessThanOrEqual(MOST_A_SECOND);
    expect(operations.writes / SECONDS_OF_NODES).toBeLessThanOrEqual(MOST_WRITES_A_SECOND);
  });
});
