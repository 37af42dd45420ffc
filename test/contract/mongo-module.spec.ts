import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { getConnectionToken } from '@nestjs/mongoose';
import { Test } from '@nestjs/testing';
import mongoose from 'mongoose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { StoreClock } from '../../src/common/clock.js';
import { Metrics } from '../../src/common/metrics.js';
import { ValidationKeyStore } from '../../src/modules/auth/index.js';
import { Directory } from '../../src/modules/connections/index.js';
import { InboxLog, inboxLogOf, StoreHealth, StoreUnavailable } from '../../src/modules/inbox/index.js';
import { logRow } from '../../src/modules/inbox/testing/index.js';
import { NodeRegistry, ServerNodes } from '../../src/modules/nodes/index.js';
import { GroupLog } from '../../src/modules/sessions/index.js';
import { MONGO_CONNECTION, MongoStorageModule, MongoStore } from '../../src/storage/mongo/index.js';
import { findMongo, startMongo, type TestMongo } from '../support/mongo.js';

const A = inboxLogOf('a');
const PORTS = [InboxLog, GroupLog, Directory, NodeRegistry, ServerNodes, ValidationKeyStore, StoreHealth, StoreClock];

/** Writes when it is told to stop, as a service does that has something left. */
@Injectable()
class LastWriter implements OnModuleDestroy {
  outcome: Promise<unknown> | undefined;

  constructor(private readonly log: InboxLog) {}

  onModuleDestroy(): void {
    this.outcome = this.log.insert([logRow(A, 1)]);
  }
}

const found = await findMongo();

describe.skipIf(!found)('the MongoDB storage module', () => {
  let mongo: TestMongo;
  let uri: string;
  beforeAll(async () => void (mongo = await startMongo(found!.setups[0]!, found!)));
  afterAll(() => mongo.stop());
  beforeEach(() => void (uri = mongo.freshUri()));
  afterEach(() => mongo.drop(uri));

  async function start() {
    const imports = [MongoStorageModule.forRoot({ uri })];
    const app = await Test.createTestingModule({ imports, providers: [LastWriter] }).compile();
    return app.init();
  }

  it.each(PORTS)('provides %o', async (port) => {
    const app = await start();
    expect(app.get(port)).toBeInstanceOf(port);
    await app.close();
  });

  it('stores what is written while the application stops, and refuses what comes after', async () => {
    const app = await start();
    const [log, writer] = [app.get(InboxLog), app.get(LastWriter)];
    await app.close();
    expect(await writer.outcome).toEqual({ inserted: 1 });
    await expect(log.insert([logRow(A, 2)])).rejects.toBeInstanceOf(StoreUnavailable);
    const again = await start();
    expect((await again.get(InboxLog).newest([A]))[0]?.n).toBe(1);
    await again.close();
  });

  it('measures each insert of rows that was answered, as one commit', async () => {
    const metrics = new Metrics();
    const own = { providers: [{ provide: Metrics, useValue: metrics }] };
    const imports = [MongoStorageModule.forRoot({ uri }, own)];
    const app = await (await Test.createTestingModule({ imports }).compile()).init();
    const log = app.get(InboxLog);
    const commits = async (): Promise<number> =>
      Number(/^allspark_commit_seconds_count (\d+)$/m.exec(await metrics.text())?.[1]);
    expect(await commits()).toBe(0);
    await log.insert([logRow(A, 1), logRow(A, 2)]);
    expect(await commits()).toBe(1);
    await log.newest([A]);
    expect(await log.insert([logRow(A, 4)])).toMatchObject({ inserted: 0 });
    expect(await commits()).toBe(1);
    await log.insert([logRow(A, 3)]);
    expect(await commits()).toBe(2);
    await app.close();
  });

  it('has a connection of its own and leaves the one of mongoose alone', async () => {
    const app = await start();
    const own: unknown = app.get(getConnectionToken(MONGO_CONNECTION), { strict: false });
    expect(own).toBe(app.get(MongoStore).connection);
    expect(own).not.toBe(mongoose.connection);
    expect(mongoose.connection.readyState).toBe(0);
    await app.close();
  });
});
