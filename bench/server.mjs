// A server in a process of its own on a fresh data directory, and what its process used.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { loadOrMakeSecret, signAuthKey } from '../dist/modules/auth/index.js';

const program = fileURLToPath(new URL('../bin/allspark.js', import.meta.url));
const TICKS_PER_SECOND = 100;

export async function startServer(flags = []) {
  const dataDir = await mkdtemp(join(tmpdir(), 'allspark-bench-'));
  const args = [
    '--enable-source-maps',
    program,
    'start',
    '--port',
    '0',
    '--data-dir',
    dataDir,
    '--log-level',
    'warn',
    ...flags,
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await readyUrl(child);
  const secret = await loadOrMakeSecret(join(dataDir, 'auth.secret'));
  return {
    url,
    pid: child.pid,
    keyOf: (sub, more = {}) => signAuthKey({ sub, ...more, alg: 'HS256', secret }),
    usage: () => usageOf(child.pid),
    async stop() {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
      await rm(dataDir, { recursive: true, force: true });
    },
  };
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
