import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import mongoose from 'mongoose';
import { freePorts } from '../../support/free-ports.js';
import { Child } from './child.js';
import type { Random } from './random.js';
import { TcpProxy } from './tcp-proxy.js';
import { within } from './wait.js';

export type Family = 'embedded' | 'mongo';
export const FAMILIES: readonly Family[] = ['embedded', 'mongo'];

/** A store of one family, and how server nodes are told of it. */
export interface Store {
  readonly family: Family;
  readonly settings: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export function embeddedStore(folder: string): Store {
  return { family: 'embedded', settings: { DATA_DIR: join(folder, 'data') }, stop: () => Promise.resolve() };
}

/** Where a mongod is: told by the environment, or on the path. */
export function mongodBinary(): string | undefined {
  const told = process.env['MONGOMS_SYSTEM_BINARY'];
  if (told !== undefined && existsSync(told)) return told;
  try {
    return execFileSync('sh', ['-c', 'command -v mongod'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

const UP_MS = 30_000;

/** A mongod of its own as a replica set of one, which can be killed and comes back with its data, behind a proxy. */
export class MongoStore implements Store {
  readonly family = 'mongo';
  private child: Child | undefined;

  private constructor(
    private readonly binary: string,
    private readonly folder: string,
    private readonly port: number,
    readonly proxy: TcpProxy,
  ) {}

  static async start(binary: string, folder: string, random: Random): Promise<MongoStore> {
    const place = await TcpProxy.start(0, random);
    const [port = 0] = await freePorts(1);
    place.target = port;
    const store = new MongoStore(binary, folder, port, place);
    mkdirSync(join(folder, 'db'), { recursive: true });
    await store.up();
    await store.initiate();
    return store;
  }

  get settings(): Readonly<Record<string, string>> {
    return {
      DATA_DIR: join(this.folder, 'data'),
      MONGODB_URI: this.uriAt(this.proxy.port),
      LINK_SECRET: 'a link secret of the harness, at least 32 bytes long',
    };
  }

  /** Past every proxy. */
  get directPort(): number {
    return this.port;
  }

  /** By way of a proxy: the driver must not ask the replica set where else it is. */
  uriAt(port: number): string {
    return `mongodb://127.0.0.1:${port}/allspark?directConnection=true`;
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Starts it, the first time or again, and waits until it listens. */
  async up(): Promise<void> {
    const sizes = ['--wiredTigerCacheSizeGB', '0.25', '--oplogSize', '128'];
    const place = ['--dbpath', join(this.folder, 'db'), '--port', String(this.port), '--bind_ip', '127.0.0.1'];
    this.child = new Child(this.binary, [...place, ...sizes, '--replSet', 'rs0'], join(this.folder, 'mongod.log'));
    if (!(await within(UP_MS, () => listens(this.port)))) throw new Error('mongod did not come up');
  }

  async down(signal: NodeJS.Signals): Promise<void> {
    await this.child?.kill(signal);
  }

  async stop(): Promise<void> {
    await this.down('SIGKILL');
    await this.proxy.close();
  }

  private async initiate(): Promise<void> {
    const client = new mongoose.mongo.MongoClient(`mongodb://127.0.0.1:${this.port}/?directConnection=true`);
    const admin = client.db('admin');
    const members = [{ _id: 0, host: `127.0.0.1:${this.port}` }];
    await admin.command({ replSetInitiate: { _id: 'rs0', members } });
    const primary = async (): Promise<boolean> => (await admin.command({ hello: 1 }))['isWritablePrimary'] === true;
    if (!(await within(UP_MS, primary))) throw new Error('mongod did not become primary');
    await client.close();
  }
}

/** Settings of a store that has nothing in common with this one but the machine; `folder` is that of the scene. */
export function elsewhere({ settings }: Store, folder: string): Record<string, string> {
  const { MONGODB_URI: uri } = settings;
  const dataDir = { DATA_DIR: join(folder, 'elsewhere') };
  return uri === undefined ? dataDir : { ...dataDir, MONGODB_URI: uri.replace('/allspark?', '/elsewhere?') };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
