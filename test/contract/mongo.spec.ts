import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, describe } from 'vitest';
import { endOrdersContract, validationKeyStoreContract } from '../../src/modules/auth/testing/index.js';
import { directoryContract } from '../../src/modules/connections/testing/index.js';
import { inboxLogContract, storeHealthContract } from '../../src/modules/inbox/testing/index.js';
import { nodeRegistryContract, serverNodesContract } from '../../src/modules/nodes/testing/index.js';
import { groupLogContract, type GroupStore } from '../../src/modules/sessions/testing/index.js';
import {
  MongoDirectory,
  MongoEndOrders,
  MongoGroupLog,
  MongoHealth,
  MongoInboxLog,
  MongoNodeRegistry,
  MongoServerNodes,
  MongoStore,
  MongoValidationKeys,
} from '../../src/storage/mongo/index.js';
import { findMongo, OWN_SETUPS, PATIENT, placeOf, startMongo, type TestMongo, throughPort } from '../support/mongo.js';
import { Link } from '../support/mongo-proxy.js';
import { SkewedClock } from '../support/skewed-clock.js';

type Adapter<P> = new (store: MongoStore) => P;

/** What a server node has of groups. */
class MongoGroups implements GroupStore {
  readonly groups: MongoGroupLog;
  readonly log: MongoInboxLog;

  constructor(store: MongoStore) {
    this.groups = new MongoGroupLog(store);
    this.log = new MongoInboxLog(store);
  }
}

const found = await findMongo();
// What goes wrong here is meant to.
Logger.overrideLogger(false);

describe.skipIf(!found).each([...(found?.setups ?? OWN_SETUPS)])('%s', (setup) => {
  let mongo: TestMongo;
  beforeAll(async () => void (mongo = await startMongo(setup, found!)));
  afterAll(() => mongo.stop());

  async function opened<P>(Port: Adapter<P>) {
    const uri = mongo.freshUri();
    const stores: MongoStore[] = [];
    const another = async (skewMs = 0): Promise<P> => {
      const store = await MongoStore.open({ ...PATIENT, uri, clock: new SkewedClock(skewMs) });
      stores.push(store);
      return new Port(store);
    };
    const closeAll = async (): Promise<void> => {
      await Promise.all(stores.splice(0).map((store) => store.close()));
    };
    const close = async (): Promise<void> => {
      await closeAll();
      await mongo.drop(uri);
    };
    const reopen = async (): Promise<P> => {
      await closeAll();
      return another();
    };
    return { port: await another(), second: another, reopen, tidy: async () => undefined, close };
  }

  inboxLogContract('MongoDB', async () => {
    const { port, ...rest } = await opened(MongoInboxLog);
    return { log: port, ...rest };
  });

  groupLogContract('MongoDB', async () => {
    const { port, ...rest } = await opened(MongoGroups);
    return { groups: port.groups, log: port.log, ...rest };
  });

  directoryContract('MongoDB', async () => {
    const { port, ...rest } = await opened(MongoDirectory);
    return { directory: port, ...rest };
  });

  nodeRegistryContract('MongoDB', async () => {
    const { port, ...rest } = await opened(MongoNodeRegistry);
    return { registry: port, ...rest };
  });

  serverNodesContract('MongoDB', async () => {
    const { port, ...rest } = await opened(MongoServerNodes);
    return { serverNodes: port, ...rest };
  });

  validationKeyStoreContract('MongoDB', async () => {
    const { port, ...rest } = await opened(MongoValidationKeys);
    return { keys: port, ...rest };
  });

  endOrdersContract('MongoDB', async () => {
    const { port, ...rest } = await opened(MongoEndOrders);
    return { orders: port, ...rest };
  });

  storeHealthContract('MongoDB', async () => {
    const uri = mongo.freshUri();
    const { host, port } = placeOf(uri);
    const link = await Link.to(host, port);
    const beside = await MongoStore.open({ ...PATIENT, uri });
    const store = await MongoStore.open({
      uri: throughPort(uri, link.port),
      timeoutMs: 1_500,
      serverSelectionMs: 1_000,
    });
    const health = await MongoHealth.watch(store);
    const spoil = async (): Promise<void> => {
      link.become('cut');
      await health.check();
      // One question may have been open already.
      await health.check();
    };
    const mend = async (): Promise<void> => {
      link.become('open');
      // The driver looks for its server again whenever somebody asks.
      while (!store.failed && health.problem() !== undefined) await health.check();
    };
    const breakStore = async (): Promise<void> => {
      await beside.connection.dropDatabase();
      while (!store.failed) await health.check();
    };
    const close = async (): Promise<void> => {
      health.stop();
      await Promise.all([store.close(), beside.close()]);
      await link.close();
      await mongo.drop(uri);
    };
    return { health, spoil, mend, breakStore, close };
  });
});
