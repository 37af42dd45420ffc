import type { StatusEvent } from '@allspark/client';
import { afterEach, describe, expect, it } from 'vitest';
import { Cluster } from '../support/cluster.js';
import { numbersTo, Ring } from '../support/ring.js';

let cluster: Cluster;
afterEach(() => cluster.stop());

/** Whether a client was ever without a connection. */
const wasCut = ({ status }: StatusEvent): boolean => status === 'reconnecting';

describe('three server nodes', { timeout: 120_000 }, () => {
  it('restart one after the other under load: nothing is lost, comes twice or in another order, and nobody is cut off', async () => {
    cluster = await Cluster.start(3, { DRAIN_READINESS_MS: '500' });
    const ring = await Ring.start(cluster.nodes, 12);
    for (const node of cluster.nodes) {
      await ring.turns(10);
      expect(await node.kill('SIGTERM')).toEqual({ code: 0, signal: null });
      await node.restart();
      await cluster.areLive(3);
    }
    await ring.turns(10);
    const counts = await ring.stop();
    expect(ring.seen.map(({ payloads }) => payloads)).toEqual(counts.map(numbersTo));
    expect(ring.seen.flatMap(({ statuses }) => statuses.filter(wasCut))).toEqual([]);
    expect(ring.seen.flatMap(({ away }) => away)).toEqual([]);
    const moved = ring.seen.filter(({ statuses }) => statuses.some(({ status }) => status === 'moved'));
    expect(moved.length).toBeGreaterThan(0);
  });

  it('of which one is killed have its clients back at the others, which ask those that still answer', async () => {
    cluster = await Cluster.start(3);
    const ring = await Ring.start(cluster.nodes, 12);
    await ring.turns(10);
    // By chance one of them may have nobody.
    const [lost, ...others] = await cluster.byConnections();
    await lost!.kill('SIGKILL');
    await ring.turns(10);
    await cluster.areLive(2, others);
    const counts = await ring.stop();
    expect(ring.seen.map(({ payloads }) => payloads)).toEqual(counts.map(numbersTo));
    expect(ring.seen.some(({ statuses }) => statuses.some(wasCut))).toBe(true);
  });
});
