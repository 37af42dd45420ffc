import { Random } from '../harness/random.js';
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { call } from './http-call.js';
import { missingFrom, Pour, resend, type Poured, type PourOptions } from './pour.js';
import { outcome, type RowOptions, type RowOutcome } from './row.js';
import { type Ended, Server } from './server-under-strace.js';
import type { Sent } from './traffic.js';
import { WireClient } from './wire-client.js';

const LIMIT_MS = 5_000;
/** Of an answer that the limit itself brought about. */
const MARGIN_MS = 500;
const STALL_MS = 8_000;
const MIB = 2 ** 20;
/** What lmdb writes to make a commit count. */
const HEADER_BYTES = 128;
/** Nothing but the disk is in the way; its watermark is what each part says. */
const UNLIMITED = { RATE_PER_SECOND: '0', LOG_LEVEL: 'fatal' };
const NO_WATERMARK = { ...UNLIMITED, DISK_FREE_BYTES: '0' };
const AS_ALWAYS = { DRAIN_READINESS_MS: '2000', DRAIN_SPREAD_MS: '15000' };
const POUR: PourOptions = { senders: 3, window: 8, bytes: 3_000, messages: 20_000 };

interface Part {
  readonly counts: Record<string, number>;
  readonly shortfalls: string[];
}

/** A full or failing disk: nothing confirmed is lost, nothing hangs, and the process ends soon where it cannot go on. */
export async function f8DiskFull({ seed, short }: RowOptions): Promise<RowOutcome> {
  const random = new Random(seed);
  const parts: Part[] = [await named('full', fullDisk(random)), await named('watermark', watermark(random))];
  for (const fault of faults(random, short)) parts.push(await named(fault, failingDisk(fault, random)));
  if (!short) parts.push(await named('stall', stallingDisk(random)));
  const counts: Record<string, number> = {};
  for (const part of parts) {
    for (const [name, count] of Object.entries(part.counts)) {
      counts[name] = name.endsWith('Ms') ? Math.max(counts[name] ?? 0, count) : (counts[name] ?? 0) + count;
    }
  }
  const figure = `0 of ${counts['confirmed']} confirmed may be lost: ${counts['lost']} are`;
  return outcome(
    'F8',
    figure,
    counts,
    parts.flatMap((part) => part.shortfalls),
  );
}

async function named(name: string, running: Promise<Part>): Promise<Part> {
  const { counts, shortfalls } = await running.catch((error: Error): Part => ({
    counts: {},
    shortfalls: [String(error)],
  }));
  return { counts, shortfalls: shortfalls.map((text) => `${name}: ${text}`) };
}

/** A small disk of its own. */
class SmallDisk {
  readonly path = mkdtempSync(join(tmpdir(), 'small-disk-'));
  readonly dataDir = join(this.path, 'data');

  constructor(mebibytes: number) {
    if (process.getuid?.() !== 0) throw new Error('a small disk can be mounted by root only');
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', this.path]);
    mkdirSync(this.dataDir);
  }

  resize(mebibytes: number): void {
    execFileSync('mount', ['-o', `remount,size=${mebibytes}m`, this.path]);
  }

  get free(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Takes up room as another program would. */
  fill(bytes: number): void {
    writeFileSync(join(this.path, 'ballast'), Buffer.alloc(bytes, 1));
  }

  empty(): void {
    truncateSync(join(this.path, 'ballast'));
  }

  remove(): void {
    execFileSync('umount', ['-l', this.path]);
    rmdirSync(this.path);
  }
}

/** Without a watermark the disk is filled to its last byte; the server ends, and has everything when there is room. */
async function fullDisk(random: Random): Promise<Part> {
  const disk = new SmallDisk(32);
  try {
    const server = await Server.start({ dataDir: disk.dataDir, env: { ...AS_ALWAYS, ...NO_WATERMARK } });
    const poured = await new Pour(server, random, POUR, 'f').run();
    const refusedAt = poured.failedAt;
    const ended = await endOf(server);
    const shortfalls = [...judgeEnd(ended, refusedAt), ...judgeAnswers(poured)];
    shortfalls.push(...(await startsOrEnds(disk.dataDir)));
    disk.resize(64);
    const part = await withRestart(disk.dataDir, poured, shortfalls);
    return { ...part, counts: { ...part.counts, endedMs: tookMs(ended, refusedAt) } };
  } finally {
    disk.remove();
  }
}

/** While the disk is still full, a start ends one way or the other. */
async function startsOrEnds(dataDir: string): Promise<string[]> {
  const begun = performance.now();
  const server = Server.launch({ dataDir, env: NO_WATERMARK });
  const ready = server.ready().then(() => 'ready' as const);
  const first = await within(2 * LIMIT_MS, Promise.race([ready, server.ended]));
  await server.end('SIGKILL');
  if (first === undefined) return [`on the full disk neither ready nor ended in ${2 * LIMIT_MS} ms`];
  if (first === 'ready' || (first.code ?? 0) > 0) return [];
  return [`on the full disk it ended with ${first.code ?? first.signal} after ${Math.round(first.at - begun)} ms`];
}

/** With a watermark durable messages are refused before the disk is full; reading goes on, and all is well with room. */
async function watermark(random: Random): Promise<Part> {
  const disk = new SmallDisk(32);
  try {
    disk.fill(12 * MIB);
    const server = await Server.start({ dataDir: disk.dataDir, env: UNLIMITED });
    const poured = await new Pour(server, random, { ...POUR, untilRefused: true }, 'w').run();
    const shortfalls = judgeAnswers(poured);
    if (disk.free < MIB) shortfalls.push(`refused with ${disk.free} bytes free only`);
    for (const refusal of poured.refusals) {
      const isRight = refusal['code'] === 'retry_later' && Number(refusal['retry_after_ms']) > 0;
      const isForTheDisk = /disk is almost full|has to come first/.test(String(refusal['reason']));
      if (!isRight || !isForTheDisk) shortfalls.push(`refused by ${JSON.stringify(refusal)}`);
    }
    shortfalls.push(...(await judgeFull(server, poured)));
    disk.empty();
    shortfalls.push(...(await recovers(server, poured)));
    const { code } = await server.end('SIGTERM');
    if (code !== 0) shortfalls.push(`it ended with ${code} at a SIGTERM`);
    return await withRestart(disk.dataDir, poured, shortfalls);
  } finally {
    disk.remove();
  }
}

async function judgeFull(server: Server, poured: Poured): Promise<string[]> {
  const wrong: string[] = [];
  const { status, body } = await call(server, 's1', '/readyz');
  if (status !== 503 || !/disk is almost full/.test(body)) wrong.push(`readyz ${status} ${body}`);
  wrong.push(...(await missingFrom(server, poured)));
  const rest = await call(server, 's1', '/v1/messages', { messages: [{ dest_id: 'd1', payload: 'rest' }] });
  if (!/"retry_later"/.test(rest.body)) wrong.push(`POST /v1/messages ${rest.status} ${rest.body}`);
  if (!(await isDeliveredAndAcknowledged(server, 'd1'))) wrong.push('a reader gets nothing, or cannot acknowledge');
  return wrong;
}

async function isDeliveredAndAcknowledged(server: Server, node: string): Promise<boolean> {
  const reader = WireClient.dial(server, node);
  const seq = await within(
    LIMIT_MS,
    new Promise<number>((resolve) => reader.on((frame) => typeof frame['seq'] === 'number' && resolve(frame['seq']))),
  );
  reader.cut();
  if (seq === undefined) return false;
  const { status } = await call(server, node, '/v1/inbox/ack', { seq });
  return status === 200;
}

/** What was refused is taken again; it stays unconfirmed where it is not. */
async function recovers(server: Server, poured: Poured): Promise<string[]> {
  const deadline = performance.now() + LIMIT_MS;
  while ((await call(server, 's1', '/readyz')).status !== 200) {
    if (performance.now() > deadline) return ['not ready again although there is room'];
  }
  const refused = await resend(server, unconfirmedOf(poured));
  if (refused.length === 0) for (const id of poured.sent.keys()) poured.confirmed.add(id);
  return refused;
}

function unconfirmedOf({ sent, confirmed }: Poured): Sent[] {
  return [...sent.values()].filter(({ id }) => !confirmed.has(id));
}

/** Counted in each thread, and late enough that all are connected. */
function faults(random: Random, short: boolean): string[] {
  const page = (): number => random.int(400, 800);
  const sync = (): number => random.int(130, 250);
  const all = [
    `pwrite64:error=ENOSPC:when=${page()}`,
    `fdatasync:error=EIO:when=${sync()}`,
    `pwrite64:error=ENOSPC:when=${page()}+`,
    `writev:error=ENOSPC:when=${sync()}`,
    `fdatasync:error=EIO:when=${sync()}+`,
    `pwrite64:error=EIO:when=${page()}`,
    `pwrite64:error=EIO:when=${page()}`,
    `pwrite64:error=ENOSPC:when=${page()}`,
  ];
  return short ? all.slice(0, 3) : all;
}

/** One call, or each from one on, is answered by an error. */
async function failingDisk(fault: string, random: Random): Promise<Part> {
  const folder = mkdtempSync(join(tmpdir(), 'failing-disk-'));
  try {
    const dataDir = join(folder, 'data');
    const trace = join(folder, 'trace');
    mkdirSync(dataDir);
    const followed = ['-f', '-ttt', '-s', '0', '-o', trace, '-P', join(dataDir, 'data.mdb')];
    const strace = [...followed, '-e', `trace=${fault.split(':')[0]}`, '-e', `inject=${fault}`];
    const server = await Server.start({ dataDir, strace, env: { ...AS_ALWAYS, ...NO_WATERMARK } });
    const poured = await new Pour(server, random, POUR, 'i').run();
    const ended = await endOf(server);
    const injected = firstInjected(trace);
    const failedAt = Number(/\d+\.\d+/.exec(injected)?.[0]) * 1_000 - performance.timeOrigin;
    const shortfalls = [...judgeEnd(ended, failedAt), ...judgeAnswers(poured)];
    const part = await withRestart(dataDir, poured, shortfalls);
    const failedHeaders = injected.includes(`, ${HEADER_BYTES}, `) ? 1 : 0;
    return { ...part, counts: { ...part.counts, faults: 1, failedHeaders, endedMs: tookMs(ended, failedAt) } };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A sync that takes longer than anybody may wait: an answer comes in time all the same, and the server goes on. */
async function stallingDisk(random: Random): Promise<Part> {
  const folder = mkdtempSync(join(tmpdir(), 'stalling-disk-'));
  try {
    const dataDir = join(folder, 'data');
    mkdirSync(dataDir);
    const stall = `inject=fdatasync:delay_enter=${STALL_MS * 1_000}:when=${random.int(20, 80)}`;
    const strace = [
      '-f',
      '-o',
      join(folder, 'trace'),
      '-P',
      join(dataDir, 'data.mdb'),
      '-e',
      'trace=fdatasync',
      '-e',
      stall,
    ];
    const server = await Server.start({ dataDir, strace, env: NO_WATERMARK });
    const poured = await new Pour(server, random, { ...POUR, untilRefused: true }, 't').run();
    const shortfalls = judgeAnswers(poured);
    if (!poured.refusals.some((refusal) => refusal['code'] === 'retry_later')) shortfalls.push('nobody was refused');
    if ((await call(server, 's1', '/livez')).status !== 200) shortfalls.push('it did not outlive the stall');
    await server.end('SIGKILL');
    return await withRestart(dataDir, poured, shortfalls);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function firstInjected(trace: string): string {
  const line = readFileSync(trace, 'utf8')
    .split('\n')
    .find((text) => text.includes('(INJECTED)'));
  if (line === undefined) throw new Error('the fault was never injected');
  return line;
}

function tookMs(ended: Ended | undefined, failedAt: number): number {
  return Math.round((ended?.at ?? Infinity) - failedAt);
}

async function endOf(server: Server): Promise<Ended | undefined> {
  const ended = await within(2 * LIMIT_MS, server.ended);
  if (!ended) await server.end('SIGKILL');
  return ended;
}

/** It must be seen to have failed: by its exit code, or by SIGKILL when it could not end its drain in time. */
function judgeEnd(ended: Ended | undefined, failedAt: number): string[] {
  if (!ended) return [`it still ran ${2 * LIMIT_MS} ms after the failure`];
  const took = tookMs(ended, failedAt);
  const isSeen = ended.signal === 'SIGKILL' || (ended.code ?? 0) > 0;
  return [
    ...(isSeen ? [] : [`it ended with ${ended.code ?? ended.signal}`]),
    ...(took > LIMIT_MS ? [`it ended ${took} ms after the failure`] : []),
  ];
}

function judgeAnswers({ slowestMs, confirmed }: Poured): string[] {
  return [
    ...(slowestMs > LIMIT_MS + MARGIN_MS ? [`an answer took ${Math.round(slowestMs)} ms`] : []),
    ...(confirmed.size < 10 ? [`only ${confirmed.size} messages were confirmed before the failure`] : []),
  ];
}

/** With the disk well again: everything confirmed is read, what was not is sent again, and each is there once. */
async function withRestart(dataDir: string, poured: Poured, shortfalls: string[]): Promise<Part> {
  const server = await Server.start({ dataDir, env: UNLIMITED });
  const missing = await missingFrom(server, poured);
  const unconfirmed = unconfirmedOf(poured);
  const lost = missing.filter((text) => text.includes('is not there')).length;
  for (const message of unconfirmed) poured.confirmed.add(message.id);
  shortfalls.push(...missing, ...(await resend(server, unconfirmed)), ...(await missingFrom(server, poured)));
  await server.end('SIGKILL');
  const confirmed = poured.sent.size - unconfirmed.length;
  return {
    counts: { confirmed, lost, unconfirmed: unconfirmed.length, slowestMs: Math.round(poured.slowestMs) },
    shortfalls,
  };
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), ms)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
