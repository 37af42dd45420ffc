import { randomBytes } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { MongoBinary, MongoMemoryReplSet, MongoMemoryServer } from 'mongodb-memory-server-core';
import { createConnection } from 'mongoose';

/** The version that the tests were written against; naming it keeps the starter from warning about a system binary. */
const VERSION = '6.0.5';

/** How a MongoDB may be set up; the given one of MONGODB_URI is what it is. */
export const SETUPS = ['standalone', 'single-member replica set', 'given by MONGODB_URI'] as const;
export type Setup = (typeof SETUPS)[number];

/** A MongoDB for tests. */
export interface TestMongo {
  /** An address with a database of its own, that is empty. */
  freshUri(): string;
  /** Removes a database that `freshUri` named. */
  drop(uri: string): Promise<void>;
  stop(): Promise<void>;
}

interface Found {
  readonly setups: readonly Setup[];
  readonly binary?: string;
}

/**
 * Where a MongoDB is to be had: MONGODB_URI, MONGOMS_SYSTEM_BINARY, the PATH, a download; the first of them that is
 * there. Undefined when none is: said loudly, and a failure where tests must not be skipped (`CI` is set).
 */
export async function findMongo(): Promise<Found | undefined> {
  if (process.env['MONGODB_URI']) return { setups: ['given by MONGODB_URI'] };
  const setups = ['standalone', 'single-member replica set'] as const;
  const binary = process.env['MONGOMS_SYSTEM_BINARY'] ?? onPath('mongod');
  if (binary) return { setups, binary };
  try {
    return { setups, binary: await MongoBinary.getPath({ version: VERSION }) };
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
  if (setup === 'given by MONGODB_URI') return testMongo(given ?? '', async () => undefined);
  const at = { version: VERSION, ...(binary !== undefined && { systemBinary: binary }) };
  const args = ['--setParameter', 'enableTestCommands=1'];
  const server =
    setup === 'standalone'
      ? await MongoMemoryServer.create({ binary: at, instance: { args, storageEngine: 'wiredTiger' } })
      : await MongoMemoryReplSet.create({
          binary: at,
          replSet: { count: 1, args, storageEngine: 'wiredTiger' },
        });
  return testMongo(server.getUri(), async () => void (await server.stop()));
}

function testMongo(base: string, stop: () => Promise<void>): TestMongo {
  return {
    freshUri: () => withDatabase(base, `allspark_test_${randomBytes(6).toString('hex')}`),
    drop: async (uri) => {
      const connection = await createConnection(uri).asPromise();
      await connection.dropDatabase();
      await connection.close();
    },
    stop,
  };
}

function withDatabase(uri: string, name: string): string {
  const [, servers = '', query = ''] = /^([^?]*?:\/\/[^/?]+)(?:\/[^?]*)?(\?.*)?$/.exec(uri) ?? [];
  return `${servers}/${name}${query}`;
}

/** The same database over another port of this machine: the members of a replica set are not asked for. */
export function throughPort(uri: string, port: number): string {
  const { pathname } = new URL(uri.replace(/^mongodb/, 'http'));
  return `mongodb://127.0.0.1:${port}${pathname}?directConnection=true`;
}

export function placeOf(uri: string): { host: string; port: number } {
  const { hostname, port } = new URL(uri.replace(/^mongodb/, 'http'));
  return { host: hostname, port: Number(port || 27_017) };
}
