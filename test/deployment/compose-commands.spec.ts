import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { MongoMemoryServer } from 'mongodb-memory-server-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCompose } from '../support/compose-file.js';
import { freePorts } from '../support/free-ports.js';
import { findMongo, versionOf } from '../support/mongo.js';
import { type ServerProcess, startServer } from '../support/server-process.js';
import { SECRET } from '../support/test-server.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const IN_COMPOSE = 'mongo:27017';
const env = { AUTH_SECRET: SECRET, LINK_SECRET: SECRET };
const text = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
const services = readCompose(text, { path: ROOT, env, brought: ['./tls'] }).file!.services;
const { healthcheck, command } = services['mongo']!;
const found = await findMongo();

/** Asks and waits for the answer, as each line of the shell does. */
const ASK = `
  import mongoose from 'mongoose';
  const [uri, command] = process.argv.slice(1);
  const client = await mongoose.mongo.MongoClient.connect(uri);
  const answer = await client.db('admin').command(JSON.parse(command)).catch(({ codeName }) => ({ codeName }));
  console.log(JSON.stringify(answer));
  await client.close();
`;

let mongo: MongoMemoryServer;
let place: string;
let folder: string;
let asked: string[] = [];

function ask(words: Record<string, unknown>): unknown {
  asked.push(Object.keys(words)[0] ?? '');
  const args = ['--input-type=module', '-e', ASK, `mongodb://${place}/?directConnection=true`, JSON.stringify(words)];
  const answer = JSON.parse(execFileSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' })) as object;
  if ('codeName' in answer) throw new Error(String(answer.codeName));
  return answer;
}

/** The program of the health check as it stands, with the five words of mongosh that it uses; its exit code. */
function health(): number {
  let code = 0;
  const shell = {
    rs: { status: () => ask({ replSetGetStatus: 1 }), initiate: (config: object) => ask({ replSetInitiate: config }) },
    db: { hello: () => ask({ hello: 1 }) },
    quit: (status: number) => void (code = status),
  };
  runInNewContext((healthcheck?.test.at(-1) ?? '').replaceAll(IN_COMPOSE, place), shell);
  return code;
}

/**
 * The same commands on this machine, without an engine. What this does not try: mongosh itself, the names and addresses of
 * the network, what an engine does when a health check fails. The sample of nginx is tried in behind-nginx.spec.ts.
 */
describe.skipIf(!found?.binary)('the commands of docker-compose.yml', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    expect(command).toEqual(['mongod', '--replSet', expect.any(String), '--bind_ip_all']);
    mongo = await MongoMemoryServer.create({
      binary: { systemBinary: found!.binary!, version: versionOf(found!.binary!) },
      instance: { replSet: command?.[2] ?? '', storageEngine: 'wiredTiger' },
    });
    place = new URL(mongo.getUri()).host;
    folder = mkdtempSync(join(tmpdir(), 'allspark-compose-'));
  });
  afterAll(async () => {
    await mongo?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('make a replica set of an empty mongod, once, and call it healthy when it has a primary', () => {
    expect(healthcheck?.test.slice(0, 4)).toEqual(['CMD', 'mongosh', '--quiet', '--eval']);
    while (health() !== 0);
    expect(asked.filter((each) => each === 'replSetInitiate')).toHaveLength(1);
    asked = [];
    expect(health()).toBe(0);
    expect(asked).toEqual(['replSetGetStatus', 'hello']);
  });

  it('start three server nodes on it with their environments, which are ready, and go in time', async () => {
    const ports = await freePorts(3);
    const nodes = Object.values(services).filter(({ build }) => build !== undefined);
    const start = ({ environment = {} }: (typeof nodes)[number], i: number): Promise<ServerProcess> => {
      const uri = String(environment['MONGODB_URI']).replace(IN_COMPOSE, place);
      const here = { MONGODB_URI: uri, HOST_ADDRESS: '127.0.0.1', LISTEN_ADDRESS: '127.0.0.1' };
      const own = { ...(environment as Record<string, string>), ...here };
      return startServer({ env: own, args: [`--port=${ports[i]}`], dataDir: folder });
    };
    const servers = await Promise.all(nodes.map(start));
    const checks = ports.map((port) => fetch(`http://127.0.0.1:${port}/readyz`).then(({ status }) => status));
    expect(await Promise.all(checks)).toEqual([200, 200, 200]);
    const exits = await Promise.all(servers.map((server) => server.kill('SIGTERM')));
    expect(exits).toEqual(servers.map(() => ({ code: 0, signal: null })));
  });
});
