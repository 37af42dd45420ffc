import { afterEach, describe, expect, it } from 'vitest';
import { Cluster, nodeView } from '../support/cluster.js';
import { findMongo } from '../support/mongo.js';
import { numbersTo, Ring } from '../support/ring.js';
import { Talker } from '../support/talker.js';

const found = await findMongo();
const FAMILIES = ['one embedded data folder', 'MongoDB'] as const;
const DRAIN = { DRAIN_READINESS_MS: '300' };

let cluster: Cluster;
afterEach(async () => {
  Talker.hangUp();
  await cluster.stop();
});

describe.each(FAMILIES)('a server node that goes away, on %s', { timeout: 90_000 }, (family) => {
  const test = it.skipIf(family === 'MongoDB' && !found);
  const start = async (count: number): Promise<void> => {
    cluster = await Cluster.start(count, DRAIN, family === 'MongoDB' ? found : undefined);
  };

  test('is noticed by nobody: its clients go on at another one, under messages both ways', async () => {
    await start(2);
    const ring = await Ring.start(cluster.nodes, 10);
    await ring.turns(20);
    // A server node that is late, as on a machine that has much else to do, is given nobody.
    const [leaving, staying] = await cluster.byConnections();
    expect(await leaving!.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    await ring.turns(20);
    const counts = await ring.stop();
    expect(ring.seen.map(({ payloads }) => payloads)).toEqual(counts.map(numbersTo));
    const statuses = ring.seen.map((each) => each.statuses.map(({ status }) => status).join(' '));
    expect(statuses).toContain('connecting open moved');
    expect(statuses.filter((each) => !/^connecting open( moved)?$/.test(each))).toEqual([]);
    expect(ring.seen.flatMap(({ away }) => away)).toEqual([]);
    expect((await nodeView(staying!, 'ring-0')).connections).toHaveLength(1);
  });

  test('closes with 1012 who does not go, after the time that it gave', async () => {
    await start(2);
    const [leaving, staying] = cluster.nodes;
    const bob = await Talker.open(leaving!, 'bob');
    const exit = leaving!.kill('SIGTERM');
    const { url, within_ms: withinMs } = await bob.next(({ type }) => type === -114);
    expect(withinMs).toBeLessThanOrEqual(5_000);
    expect(String(url)).toMatch(staying!.url.replace(/^http/, 'ws'));
    const query = `epoch=${String(bob.hello['epoch'])}&last_seq=0`;
    const next = await Talker.open(staying!, 'bob', { address: `${String(url)}&${query}` });
    expect(next.hello).toMatchObject({ resumed: true });
    expect(await bob.ended).toEqual({ code: 1012, reason: expect.stringMatching(/^retry_after_ms=\d+$/) });
    expect(await exit).toEqual({ code: 0, signal: null });
  });

  test('leaves the place of who was told free: a node at its limit comes in elsewhere, once for each', async () => {
    await start(2);
    const [leaving, staying] = cluster.nodes;
    const held = await Promise.all(Array.from({ length: 10 }, () => Talker.open(leaving!, 'bob')));
    const exit = leaving!.kill('SIGTERM');
    const moves = await Promise.all(held.map((talker) => talker.next(({ type }) => type === -114)));
    await Promise.all(moves.map(({ url }) => Talker.open(staying!, 'bob', { address: String(url) })));
    const eleventh = await Talker.dial(staying!, 'bob');
    expect(await eleventh.ended).toMatchObject({ code: 4003 });
    expect(await exit).toMatchObject({ code: 0 });
    expect((await nodeView(staying!, 'bob')).connections).toHaveLength(10);
  });
});
