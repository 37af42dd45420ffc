import { Random } from '../harness/random.js';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Claim, claimsOf } from './claims.js';

import { framesOf } from './server-frames.js';
import { type Planted, Server } from './server-under-strace.js';
import { type FileHistory, historyOf } from './shadow-disk.js';
import { readTrace } from './trace-reader.js';
import { type Journal, Traffic } from './traffic.js';

const FOLLOWED = [
  'openat,creat,close,unlink,unlinkat,rename,renameat,renameat2,link,linkat,dup,dup2,dup3,mmap,io_uring_setup',
  'pwrite64,write,writev,pwritev,pwritev2,sendto,sendmsg,sendfile,copy_file_range,fallocate,ftruncate,lseek',
  'fsync,fdatasync,sync_file_range,clone,clone3',
];

/** A server's run as the kernel saw it, and as its clients did. */
export interface Recording {
  readonly history: FileHistory;
  readonly claims: readonly Claim[];
  readonly journal: Journal;
  /** Where the trace and the clients differ, or clients got what was not expected: nothing follows from such a run. */
  readonly misread: readonly string[];
}

/** Merges often enough that crash points fall into merges. */
const MERGES = { mergeRows: 60, mergeChunk: 25 };

const recordings = new Map<string, Promise<Recording>>();

export interface Run {
  readonly seed: number;
  readonly messages: number;
  /** Two servers on one store. */
  readonly isPair?: boolean;
  /** Options of lmdb that are planted. */
  readonly lmdb?: Planted['lmdb'];
}

/** Servers that ran under strace while they took so many messages; the rows of one run share it. */
export function record(run: Run): Promise<Recording> {
  const name = JSON.stringify(run);
  const recording = recordings.get(name) ?? recordNow(run);
  recordings.set(name, recording);
  return recording;
}

async function recordNow({ seed, messages, isPair = false, lmdb }: Run): Promise<Recording> {
  const folder = mkdtempSync(join(tmpdir(), 'power-loss-'));
  try {
    const dataDir = join(folder, 'data');
    const trace = join(folder, 'trace');
    mkdirSync(dataDir);
    const all = ['-s', '100000000', '-e', `trace=${FOLLOWED.join()}`];
    const strace = ['-f', '--seccomp-bpf', '-y', '-xx', '-o', trace, ...all];
    const server = await Server.start({
      dataDir,
      strace,
      isPair,
      env: { RATE_PER_SECOND: '0', POLL_INTERVAL_MS: '10', POLL_JITTER_MS: '0' },
      planted: { store: MERGES, ...(lmdb && { lmdb }) },
    });
    const journal = await new Traffic(server.urls, new Random(seed), messages).run();
    await server.end('SIGKILL');
    const calls = await readTrace(trace);
    const history = historyOf(join(dataDir, 'data.mdb'), calls);
    const claims = claimsOf(framesOf(calls), journal.sent);
    return { history, claims, journal, misread: untold(journal, claims) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What clients got must be in the trace, or the trace is not read rightly. */
function untold({ confirmed, delivered, others }: Journal, claims: readonly Claim[]): string[] {
  const told = new Set(
    claims.map((claim) => ('message' in claim ? `${claim.kind === 'delivery'} ${claim.message.id}` : '')),
  );
  const missing = [
    ...confirmed.filter((id) => !told.has(`false ${id}`)),
    ...delivered.filter(({ id }) => !told.has(`true ${id}`)).map(({ id }) => id),
  ];
  return [
    ...missing.map((id) => `a client heard of ${id}, the trace did not`),
    ...others.map((frame) => `unexpected answer ${JSON.stringify(frame)}`),
  ];
}
