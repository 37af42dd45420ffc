import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signAuthKey } from '../../src/modules/auth/index.js';
import { Program, runProgram } from '../support/server-process.js';
import { type Endpoint, Talker } from '../support/talker.js';
import { PATIENT, SECRET } from '../support/test-server.js';

const key: Endpoint['key'] = (sub, { clientId, role, ttlSeconds } = {}) =>
  signAuthKey({ sub, clientId, role, ttlSeconds, alg: 'HS256', secret: SECRET });

let folder: string;
let program: Program;
let nodes: Endpoint[];

/** The processes that the program started. */
function childrenOf({ pid }: Program): number[] {
  return execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(Number);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const endpoint = (at: number): Endpoint => nodes[at] as Endpoint;
const portOf = (at: number): string => new URL(endpoint(at).url).port;
const saying = (text: string): string[] => program.stderr.filter((line) => line.includes(text));

/** The child that logs with the port of a server node ended and is there again. */
const backAt = (port: string): Promise<string> => program.news(new RegExp(`"port":${port},.*is ready again`));

describe('allspark start --nodes 3', { timeout: 120_000 }, () => {
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'allspark-several-'));
    const env = { AUTH_SECRET: SECRET, DRAIN_READINESS_MS: '0', DRAIN_SPREAD_MS: '500', ...PATIENT };
    program = new Program(['start', '--nodes', '3', '--port', '0', '--data-dir', folder], { env });
    await program.line(/^ready /);
    nodes = program.stdout.map((line) => ({ url: line.slice('ready '.length), key }));
  });
  afterEach(async () => {
    Talker.hangUp();
    await program.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is three server nodes that are ready together, and one for clients', async () => {
    expect(program.stdout).toHaveLength(3);
    expect(new Set(nodes.map(({ url }) => url)).size).toBe(3);
    const ready = await Promise.all(nodes.map(({ url }) => fetch(`${url}/readyz`)));
    expect(ready.map(({ status }) => status)).toEqual([200, 200, 200]);
    const all = await Promise.all(nodes.map((node, at) => Talker.open(node, `node-${at}`)));
    for (const [from, talker] of all.entries()) {
      const to = (from + 1) % all.length;
      expect(await talker.ask({ dest_id: `node-${to}`, payload: from })).toMatchObject({ status: 'stored' });
      expect(await all[to]?.nextEntries(1)).toMatchObject([{ src_id: `node-${from}`, payload: from }]);
    }
  });

  it('starts one that was killed again at its address, and nothing is lost', async () => {
    const [alice, bob] = await Promise.all([Talker.open(endpoint(0), 'alice'), Talker.open(endpoint(1), 'bob')]);
    const before = childrenOf(program);
    const told = backAt(portOf(1));
    for (const pid of before) if (portsOf(pid).includes(portOf(1))) process.kill(pid, 'SIGKILL');
    await bob.ended;
    expect(await alice.ask({ dest_id: 'bob', payload: 'while away' })).toMatchObject({ status: 'stored' });
    await told;
    const after = childrenOf(program);
    expect(after).toHaveLength(3);
    expect(after.filter((pid) => before.includes(pid))).toHaveLength(2);
    const back = await Talker.open(endpoint(1), 'bob');
    expect(await back.nextEntries(1)).toMatchObject([{ payload: 'while away' }]);
    expect(program.stdout).toHaveLength(3);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('drains all of them on %s and ends with 0', async (signal) => {
    const [alice, bob] = await Promise.all([Talker.open(endpoint(0), 'alice'), Talker.open(endpoint(2), 'bob')]);
    const children = childrenOf(program);
    expect(await program.kill(signal)).toEqual({ code: 0, signal: null });
    for (const talker of [alice, bob]) expect(await talker.ended).toMatchObject({ code: 1012 });
    expect(children.filter(isAlive)).toEqual([]);
    for (const at of [0, 1, 2]) expect(saying('"msg":"gone"').join()).toContain(`"port":${portOf(at)},`);
  });

  it('leaves nobody behind when it is killed: they notice and drain', async () => {
    const talkers = await Promise.all(nodes.map((node, at) => Talker.open(node, `node-${at}`)));
    // Resolves when nobody has its standard error any more, the children included.
    await program.kill('SIGKILL');
    for (const talker of talkers) expect(await talker.ended).toMatchObject({ code: 1012 });
    expect(saying('"msg":"gone"')).toHaveLength(3);
  });

  it('gives up on one that cannot be started again, says so, drains the others and ends with 69', async () => {
    const port = portOf(2);
    const thief = createServer();
    for (const pid of childrenOf(program)) if (portsOf(pid).includes(port)) process.kill(pid, 'SIGKILL');
    await steal(thief, Number(port));
    expect(await program.exited).toEqual({ code: 69, signal: null });
    thief.close();
    expect(saying('it is started again').length).toBeGreaterThanOrEqual(5);
    expect(saying('giving up')[0]).toContain(`"port":${port},`);
    expect(saying(`Port ${port} of 127.0.0.1 is in use`)).not.toEqual([]);
    expect(saying('"msg":"gone"')).toHaveLength(3);
  });
});

describe('allspark start --nodes', () => {
  it('does not begin when one of them cannot start', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const data = mkdtempSync(join(tmpdir(), 'allspark-several-'));
    const args = ['start', '--nodes', '2', '--port', String(port), '--data-dir', data];
    const { code, stdout, stderr } = await runProgram(args, { env: { AUTH_SECRET: SECRET } });
    taken.close();
    rmSync(data, { recursive: true, force: true });
    expect(code).toBe(69);
    expect(stdout).toEqual([]);
    expect(stderr.join('\n')).toContain(`Port ${port} of 127.0.0.1 is in use`);
  });

  it('refuses what cannot be that of all of them', async () => {
    const { code, stderr } = await runProgram(['start', '--nodes', '2', '--public-url', 'https://a.example']);
    expect(code).toBe(78);
    expect(stderr.join('\n')).toContain('PUBLIC_URL');
  });
});

/** The TCP ports that a process listens on. */
function portsOf(pid: number): string[] {
  const listening = execFileSync('ss', ['-Hltnp'], { encoding: 'utf8' }).split('\n');
  const own = listening.filter((line) => line.includes(`pid=${pid},`));
  return own.map((line) => /:(\d+)\s/.exec(line)?.[1] ?? '');
}

/** Listens there as soon as whoever had it has let go. */
async function steal(thief: Server, port: number): Promise<void> {
  for (;;) {
    const outcome = Promise.race([once(thief, 'listening'), once(thief, 'error')]);
    thief.listen(port, '127.0.0.1');
    await outcome.catch(() => undefined);
    if (thief.listening) return;
  }
}
