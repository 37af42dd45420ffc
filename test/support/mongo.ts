import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { MongoBinary, MongoMemoryReplSet, MongoMemoryServer } from 'mongodb-memory-server-core';
import { type Connection, createConnection } from 'mongoose';
import type { MongoOptions } from '../../src/storage/mongo/index.js';

/** How a MongoDB is set up that tests start themselves. */
export const OWN_SETUPS = ['standalone', 'single-member replica set'] as const;
/** The one of MONGODB_URI is what it is. */
const GIVEN = 'as MONGODB_URI gives it';
export type Setup = (typeof OWN_SETUPS)[number] | typeof GIVEN;

/** For what is not about waiting: many tests at once may keep a MongoDB on the same machine busy for seconds. */
export const PATIENT = {
  timeoutMs: 15_000,
  wtimeoutMs: 14_000,
  serverSelectionMs: 5_000,
} as const satisfies Partial<MongoOptions>;

/** A MongoDB for tests. */
export interface TestMongo {
  /** An address with a database of its own, that is empty. */
  freshUri(): string;
  /** Removes a database that `freshUri` named. */
  drop(uri: string): Promise<void>;
  /** Lets the next of some commands fail as told; false when the server takes no fail points. */
  failOnce(data: { readonly failCommands: readonly string[] } & Record<string, unknown>): Promise<boolean>;
  failNothing(): Promise<void>;
  stop(): Promise<void>;
}

export interface Found {
  readonly setups: readonly Setup[];
  readonly binary?: string;
}

/**
 * Where a MongoDB is to be had: MONGODB_URI, MONGOMS_SYSTEM_BINARY, the PATH, a download; the first of them that is
 * there. Undefined when none is: said loudly, and a failure where tests must not be skipped (`CI` is set).
 */
export async function findMongo(): Promise<Found | undefined> {
  if (process.env['MONGODB_URI']) return { setups: [GIVEN] };
  const setups = OWN_SETUPS;
  const binary = process.env['MONGOMS_SYSTEM_BINARY'] ?? onPath('mongod');
  if (binary) return { setups, binary };
  try {
    return { setups, binary: await MongoBinary.getPath() };
  } catch (error) {
    const wanted = 'set MONGODB_URI or MONGOMS_SYSTEM_BINARY, or put mongod on the PATH';
    const text = `NO MONGODB FOR TESTS, everything about MongoDB is SKIPPED: ${wanted} (${String(error)})`;
    if (process.env['CI']) throw new Error(text, { cause: error });
    console.error(`\n${text}\n`);
    return undefined;
  }
}

function onPath(program: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((file) => isExecutable(file));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export async function startMongo(setup: Setup, { binary }: Found): Promise<TestMongo> {
  const given = process.env['MONGODB_URI'];
  if (setup === GIVEN) return testMongo(given ?? '', async () => undefined);
  const at = binary === undefined ? {} : { systemBinary: binary, version: versionOf(binary) };
  const args = ['--setParameter', 'enableTestCommands=1'];
  const server =
    setup === 'standalone'
      ? await MongoMemoryServer.create({ binary: at, instance: { args, storageEngine: 'wiredTiger' } })
      : await MongoMemoryReplSet.create({
          binary: at,
          replSet: { count: 1, args, storageEngine: 'wiredTiger' },
        });
  return withoutWaiting(testMongo(server.getUri(), async () => void (await server.stop())));
}

/** Dropping a database takes long on a replica set; on a server of our own nobody has to see it done. */
function withoutWaiting(mongo: TestMongo): TestMongo {
  let dropped: Promise<unknown> = Promise.resolve();
  return {
    ...mongo,
    drop: async (uri) => {
      dropped = Promise.allSettled([dropped, mongo.drop(uri)]);
    },
    stop: async () => {
      await dropped;
      await mongo.stop();
    },
  };
}

/** The starter warns when it is told another version than the one that it finds. */
export function versionOf(binary: string): string {
  return /v(\d+\.\d+\.\d+)/.exec(execFileSync(binary, ['--version'], { encoding: 'utf8' }))?.[1] ?? '';
}

function testMongo(base: string, stop: () => Promise<void>): TestMongo {
  const failPoint = (mode: unknown, data?: Record<string, unknown>): Promise<boolean> =>
    connected(base, async (connection) => {
      const command = { configureFailPoint: 'failCommand', mode, ...(data && { data }) };
      const setting = connection.getClient().db('admin').command(command);
      return setting.then(
        () => true,
        () => false,
      );
    });
  return {
    freshUri: () => withDatabase(base, `allspark_test_${randomBytes(6).toString('hex')}`),
    drop: (uri) => connected(uri, (connection) => connection.dropDatabase()),
    failOnce: (data) => failPoint({ times: 1 }, data),
    failNothing: async () => void (await failPoint('off')),
    stop,
  };
}

async function connected<T>(uri: string, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await createConnection(uri).asPromise();
  try {
    return await work(connection);
  } finally {
    await connection.destroy();
  }
}

function withDatabase(uri: string, name: string): string {
  const [, servers = '', query = ''] = /^([^?]*?:\/\/[^/?]+)(?:\/[^?]*)?(\?.*)?$/.exec(uri) ?? [];
  return `${servers}/${name}${query}`;
}

/** The same database over another port of this machine: the members of a replica set are not asked for. */
export function throughPort(uri: string, port: number): string {
  return `mongodb://127.0.0.1:${port}/${partsOf(uri).database}?directConnection=true`;
}

/** Where the (first) server is. */
export function placeOf(uri: string): { host: string; port: number } {
  const { host = '', port = '27017' } = partsOf(uri);
  return { host, port: Number(port) };
}

function partsOf(uri: string): Partial<Record<'host' | 'port' | 'database', string>> {
  const parts = /^\w+:\/\/(?:[^@/]*@)?(?<host>[^:,/]+)(?::(?<port>\d+))?[^/]*\/(?<database>\w+)/.exec(uri);
  return parts?.groups ?? {};
}
