import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { figureIn } from '../support/figures.js';
import { findMongo, startMongo, type TestMongo } from '../support/mongo.js';
import { ProcessNode } from '../support/process-node.js';
import { Program, runProgram } from '../support/server-process.js';
import { type Frame, Talker } from '../support/talker.js';
import { SECRET } from '../support/test-server.js';

/** Quick to notice, and patient with a machine that has much else to do. */
const BEATS = { SERVER_NODE_HEARTBEAT_MS: '200', SERVER_NODE_STALE_MS: '3000' };
/** More of them only wait for a turn of the one machine that all of this runs on. */
const AT_ONCE = 30;
/** An event loop that is twice as late counts as twice as full. */
const USUAL_LAG_MS = 100;
const found = await findMongo();
const FAMILIES = ['one embedded data folder', 'MongoDB'] as const;

interface PreConnection {
  readonly url: string;
  readonly server: { readonly port: number };
}

interface NodeView {
  readonly connected: boolean;
  readonly connections: readonly Frame[];
}

describe.each(FAMILIES)('three server nodes on %s', (family) => {
  let shared: Record<string, string>;
  let mongo: TestMongo | undefined;
  let folder: string;
  let nodes: ProcessNode[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'allspark-cluster-'));
    shared = { ...BEATS, DATA_DIR: folder, LINK_SECRET: SECRET, RATE_PER_SECOND: '0' };
    if (family === 'MongoDB' && found) {
      mongo = await startMongo(found.setups.at(-1)!, found);
      shared['MONGODB_URI'] = mongo.freshUri();
    }
    nodes = family === 'MongoDB' && !found ? [] : await Promise.all([start(), start(), start()]);
  });
  afterEach(() => Talker.hangUp());
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.remove()));
    await mongo?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const start = (): Promise<ProcessNode> => ProcessNode.start(shared);
  const test = it.skipIf(family === 'MongoDB' && !found);
  const three = (): [ProcessNode, ProcessNode, ProcessNode] => nodes as [ProcessNode, ProcessNode, ProcessNode];

  const seeEachOther = async (count = 3): Promise<void> => {
    for (const node of nodes) await until(async () => (await states(node))['live'] === count);
  };

  test('know each other, and each shows what all of them hold', async () => {
    await seeEachOther();
    const held = await Promise.all(nodes.map((node) => Talker.open(node, 'ann')));
    for (const node of nodes) {
      const { connected, connections } = await view(node, 'ann');
      expect(connected).toBe(true);
      const servers = connections.map((connection) => connection['server_node_id']);
      expect(new Set(servers)).toEqual(new Set(held.map(({ hello }) => hello['server_node_id'])));
    }
  });

  test('spread 1,000 newcomers that come at once, whichever of them is asked', async () => {
    await seeEachOther();
    const [counts, lags] = await withLags(nodes, () => spread(nodes, 1_000));
    expect([...counts.values()].reduce((sum, count) => sum + count)).toBe(1_000);
    // All of it runs on one machine: whose event loop is late for that is spared by as much, and rightly so.
    const weights = lags.map((lag) => 1 / Math.max(1, lag / USUAL_LAG_MS));
    const sum = weights.reduce((before, weight) => before + weight);
    for (const [index, node] of nodes.entries()) {
      const [count, weight] = [counts.get(node.url) ?? 0, weights[index]!];
      expect(count).toBeGreaterThan(1_000 * (weight / (weight + 2)) - 1_000 / 10);
      expect(count).toBeLessThan(1_000 / (1 + sum - weight) + 1_000 / 10);
    }
  });

  test('send the members of a session to the same one, where their keys open', async () => {
    await seeEachOther();
    for (const session_id of ['s1', 's2', 's3', 's4']) {
      // Until their views of each other agree again.
      await until(async () => (await spread(nodes, 12, { session_id })).size === 1);
    }
    const [one] = three();
    const { url } = (await one.json('bea', '/v1/pre-connections', { session_id: 's1' })) as PreConnection;
    const bea = await Talker.open(one, 'bea', { address: url });
    expect(bea.hello).toMatchObject({ node_id: 'bea' });
  });

  test('count those of a killed one as gone within 15 s, and take its successor in at once', async () => {
    await seeEachOther();
    const [one, two, last] = three();
    const [lost, kept] = [await Talker.open(one, 'carl'), await Talker.open(two, 'carl')];
    await Promise.all(Array.from({ length: 10 }, () => Talker.open(one, 'dora')));
    await one.kill();
    const killedAt = Date.now();
    await lost.ended;
    await until(async () => (await view(last, 'dora')).connections.length === 0);
    // Each finds out by itself.
    await until(async () => (await view(two, 'carl')).connections.length === 1);
    expect(Date.now() - killedAt).toBeLessThan(15_000);
    expect((await view(two, 'carl')).connections).toMatchObject([{ connection_id: kept.hello['connection_id'] }]);
    await until(async () => (await states(two))['dead'] === 0 && (await states(two))['live'] === 2);
    // Her places are free.
    await Promise.all(Array.from({ length: 10 }, () => Talker.open(two, 'dora')));
    const counts = await spread([two, last], 30);
    expect(counts.has(one.url)).toBe(false);

    await one.restart();
    const back = await Talker.open(one, 'carl');
    expect(back.hello['node_id']).toBe('carl');
    await seeEachOther();
    expect((await view(two, 'carl')).connections).toHaveLength(2);
  });

  test('let a process that follows a killed one at its address in at once, and forget what that held', async () => {
    await seeEachOther();
    const [one, two] = three();
    await Promise.all(Array.from({ length: 10 }, () => Talker.open(one, 'emil')));
    await one.killAndRestart();
    await Promise.all(Array.from({ length: 10 }, () => Talker.open(one, 'emil')));
    expect((await view(two, 'emil')).connections).toHaveLength(10);
  });

  // A process that is stopped just as it writes to the embedded store stops the others on it, too.
  it.skipIf(family !== 'MongoDB' || !found)(
    'bury one that is cut off, and have it back with its connections, which get what came meanwhile',
    async () => {
      await seeEachOther();
      const [one, two] = three();
      const [fay, gus] = [await Talker.open(one, 'fay'), await Talker.open(two, 'gus')];
      const { pid } = one;
      process.kill(pid, 'SIGSTOP');
      await until(async () => !(await view(two, 'fay')).connected && (await states(two))['live'] === 2);
      expect(await gus.ask({ dest_id: 'fay', payload: 'meanwhile' })).toMatchObject({ status: 'stored' });
      process.kill(pid, 'SIGCONT');
      expect(await fay.nextEntries(1)).toMatchObject([{ payload: 'meanwhile' }]);
      await until(async () => (await view(two, 'fay')).connected);
      expect((await view(two, 'fay')).connections).toMatchObject([{ connection_id: fay.hello['connection_id'] }]);
      await seeEachOther();
    },
  );

  test('refuse a second live one at the same address, which says what to do', async () => {
    const [one] = three();
    const { code, stdout, stderr } = await runProgram(second(one), { env: { ...shared, AUTH_SECRET: SECRET } });
    expect([code, stdout]).toEqual([69, []]);
    expect(stderr.join('\n')).toContain(`localhost:${one.port} belongs to another server node that is alive`);
    expect(stderr.join('\n')).toMatch(/HOST_ADDRESS, PORT[\s\S]*--force/);
    expect((await fetch(`${one.url}/readyz`)).status).toBe(200);
  });

  test('let a second one that is forced to take over the address, and the first one ends', async () => {
    const [one, two] = three();
    const taker = new Program([...second(one), '--force=True'], { env: { ...shared, AUTH_SECRET: SECRET } });
    await taker.line(/^ready/);
    const exit = await one.exited;
    expect(exit).toEqual({ code: 69, signal: null });
    expect(one.stderr.join('\n')).toContain('took the address over');
    await until(async () => (await states(two))['live'] === 3);
    expect(await taker.kill('SIGTERM')).toMatchObject({ code: 0 });
    await until(async () => (await states(two))['live'] === 2);
  });
});

/** Asks each in turn, many at a time, and counts where they are sent, by base URL. */
async function spread(asked: readonly ProcessNode[], count: number, hints = {}): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const ask = async (newcomer: number): Promise<void> => {
    const at = asked[newcomer % asked.length]!;
    const answer = (await at.json(`n${newcomer}`, '/v1/pre-connections', hints)) as PreConnection;
    expect(answer).toMatchObject({ url: expect.any(String) });
    const { origin, port } = new URL(answer.url.replace(/^ws/, 'http'));
    expect(port).toBe(String(answer.server.port));
    counts.set(origin, (counts.get(origin) ?? 0) + 1);
  };
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await ask(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return counts;
}

/** Does something, and tells of each server node how late its event loop was at worst meanwhile, ms. */
async function withLags<T>(nodes: readonly ProcessNode[], work: () => Promise<T>): Promise<[T, number[]]> {
  const worst = nodes.map(() => 0);
  const look = async (node: ProcessNode, index: number): Promise<void> => {
    const lagMs = figureIn(await metrics(node), 'allspark_loop_lag_seconds') * 1_000;
    worst[index] = Math.max(worst[index]!, lagMs);
  };
  await Promise.all(nodes.map(look));
  const progress = { isDone: false };
  const working = work().finally(() => (progress.isDone = true));
  while (!progress.isDone) await Promise.all(nodes.map(look));
  return [await working, worst];
}

/** Another process that says it is where `first` is, but listens elsewhere. */
function second({ port }: ProcessNode): string[] {
  return ['start', '--port', String(port), '--host-address', 'localhost', '--listen-address', '127.0.0.2'];
}

async function view(at: ProcessNode, nodeId: string): Promise<NodeView> {
  return (await at.json('backend', `/v1/nodes/${nodeId}`, undefined, { role: 'app' })) as NodeView;
}

async function metrics(at: ProcessNode): Promise<string> {
  const headers = { authorization: `Bearer ${await at.key('backend', { role: 'app' })}` };
  return (await fetch(`${at.url}/metrics`, { headers })).text();
}

async function states(at: ProcessNode): Promise<Record<string, number>> {
  const lines = (await metrics(at)).matchAll(/^allspark_server_nodes\{state="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, state, count]) => [state, Number(count)]));
}

async function until(fulfilled: () => Promise<boolean>): Promise<void> {
  while (!(await fulfilled()));
}
