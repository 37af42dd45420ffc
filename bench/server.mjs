// A server in a process of its own on a fresh data directory, and what its process used.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freshDatabase } from './mongo.mjs';
import { loadOrMakeSecret, signAuthKey } from '../dist/modules/auth/index.js';

const program = fileURLToPath(new URL('../bin/allspark.js', import.meta.url));
const TICKS_PER_SECOND = 100;

/** Given to servers of one MongoDB, which make no secrets of their own. */
const SECRET = 'a secret of the benchmarks, at least 32 bytes';

/** On a data directory of its own, or one that servers share; `env` is all that it sees of the environment. */
export async function startServer(flags = [], { dataDir, env } = {}) {
  const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'allspark-bench-')));
  const args = ['--port', '0', '--data-dir', folder, '--log-level', 'warn', ...flags];
  const child = spawn(process.execPath, ['--enable-source-maps', program, 'start', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: env ?? process.env,
  });
  const url = await readyUrl(child);
  const secret = env?.AUTH_SECRET ?? (await loadOrMakeSecret(join(folder, 'auth.secret')));
  return {
    url,
    pid: child.pid,
    keyOf: (sub, more = {}) => signAuthKey({ sub, ...more, alg: 'HS256', secret }),
    usage: () => usageOf(child.pid),
    async stop() {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
      if (dataDir === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Several on one store, which know each other: on one data directory, or where MONGODB_URI is set, on a database there. */
export async function startCluster(count, flags = []) {
  const dataDir = await mkdtemp(join(tmpdir(), 'allspark-bench-'));
  const mongo = process.env.MONGODB_URI ? freshDatabase(process.env.MONGODB_URI) : undefined;
  const secrets = { AUTH_SECRET: SECRET, LINK_SECRET: SECRET };
  const here = { HOST_ADDRESS: '127.0.0.1', LISTEN_ADDRESS: '127.0.0.1' };
  const env = { PATH: process.env.PATH, ...secrets, ...here, ...(mongo && { MONGODB_URI: mongo.uri }) };
  const starting = Array.from({ length: count }, () => startServer(flags, { dataDir, env }));
  const servers = await Promise.all(starting);
  for (const server of servers) while ((await liveAt(server)) !== count) await pause(100);
  const sum = (figure) => servers.reduce((all, server) => all + server.usage()[figure], 0);
  return {
    servers,
    keyOf: servers[0].keyOf,
    cpuSeconds: () => sum('cpuSeconds'),
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
      await rm(dataDir, { recursive: true, force: true });
      await mongo?.drop();
    },
  };
}

async function liveAt(server) {
  const headers = { authorization: `Bearer ${await server.keyOf('bench', { role: 'app' })}` };
  const page = await (await fetch(`${server.url}/metrics`, { headers })).text();
  return Number(/^allspark_server_nodes\{state="live"\} (\d+)$/m.exec(page)?.[1]);
}

async function readyUrl(child) {
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, url] = line.split(' ');
    if (word === 'ready') {
      child.stdout.resume();
      return url;
    }
  }
  throw new Error('the server ended before it was ready');
}

/** CPU seconds (user and system), bytes written to disk, resident bytes. */
function usageOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const io = readFileSync(`/proc/${pid}/io`, 'utf8');
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    writtenBytes: Number(/^write_bytes: (\d+)$/m.exec(io)?.[1] ?? 0),
    residentBytes: Number(fields[21]) * 4096,
  };
}
