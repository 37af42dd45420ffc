import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Retention } from '../../src/modules/inbox/retention.js';
import { logRows } from '../../src/modules/inbox/testing/index.js';
import { MongoClock, MongoInboxLog, MongoStore } from '../../src/storage/mongo/index.js';
import { findMongo, OWN_SETUPS, PATIENT, startMongo, type TestMongo } from '../support/mongo.js';
import { SkewedClock } from '../support/skewed-clock.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const LOG = 'n:a';
const SETTINGS = { ageMs: 30 * DAY, ackedKeepMs: DAY, ackedKeepMessages: 1_000, dedupeMs: DAY };

const found = await findMongo();

describe.skipIf(!found).each([...(found?.setups ?? OWN_SETUPS)])('%s: a server node whose clock is wrong', (setup) => {
  let mongo: TestMongo;
  let uri: string;
  let store: MongoStore;
  beforeAll(async () => {
    mongo = await startMongo(setup, found!);
    uri = mongo.freshUri();
    store = await MongoStore.open({ ...PATIENT, uri });
  });
  afterAll(async () => {
    await store.close();
    await mongo.drop(uri);
    await mongo.stop();
  });

  it.each([-40 * DAY, 40 * DAY])('by %i ms has the time of MongoDB', async (skewMs) => {
    const before = Date.now();
    const clock = await MongoClock.start(store, new SkewedClock(skewMs));
    clock.stop();
    const difference = clock.now() - before;
    expect(Math.abs(difference)).toBeLessThan(HOUR);
  });

  it('keeps what is still good', async () => {
    const wrong = new SkewedClock(40 * DAY);
    const clock = await MongoClock.start(store, wrong);
    clock.stop();
    const log = new MongoInboxLog(store);
    const rows = logRows(LOG, 1, 4).map((row) => ({ ...row, at: Date.now() }));
    await log.insert(rows);
    await log.raiseAcked([{ log: LOG, acked: 3, ackedTotals: rows[2]!.totals }]);
    const range = { after: 0, before: 10, limit: 10, maxBytes: 1e6 };
    await new Retention(log, SETTINGS, clock).collect(LOG);
    expect([await log.marks([LOG]), await log.read(LOG, range)]).toMatchObject([[{ floor: 1 }], rows]);
    // By its own clock it would have thrown all away.
    await new Retention(log, SETTINGS, wrong).collect(LOG);
    expect(await log.marks([LOG])).toMatchObject([{ floor: 5 }]);
  });
});
