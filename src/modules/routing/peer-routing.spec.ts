import { beforeEach, describe, expect, it } from 'vitest';
import { deliveredFrame } from '../../protocol/index.js';
import type { ServerNodeRow } from '../nodes/index.js';
import { FailStop } from './fail-stop.js';
import type { Sender } from './routing.types.js';
import { Cluster, Process, rowOf, settled } from './testing/peer-processes.js';

async function reach(process: Process, nodeId: string, sender: Sender): Promise<boolean> {
  const told = new Promise<boolean>((resolve) => process.routing.reach(nodeId, 'hi', sender, resolve));
  await settled();
  return told;
}

describe('routing across server nodes', () => {
  let cluster: Cluster;
  let a: Process;
  let b: Process;
  let c: Process;

  beforeEach(() => {
    cluster = new Cluster();
    [a, b, c] = ['A', 'B', 'C'].map((id) => new Process(id, cluster)) as [Process, Process, Process];
  });

  function senderAt(process: Process, nodeId: string): Sender {
    const failStop = new FailStop(cluster.clock, { failStopMs: 1, failStopMessages: 1 }, () => {});
    return { nodeId, clientId: null, trusted: false, failStop, connection: process.connect(nodeId) };
  }

  describe('rows', () => {
    it('reach the readers at every server node that holds some, in one frame each', async () => {
      b.connect('n1');
      b.connect('n2');
      c.connect('n2');
      a.append(rowOf('n1', 1), rowOf('n2', 1), rowOf('n1', 2), rowOf('offline', 1));
      await settled();
      expect(b.offered).toEqual(['n1 1', 'n1 2', 'n2 1']);
      expect(c.offered).toEqual(['n2 1']);
      expect(cluster.kinds()).toEqual(['A>B rows', 'A>C rows']);
    });

    it('cost no look-up and no frame while there is no other server node', async () => {
      a.others = false;
      b.connect('n1');
      a.append(rowOf('n1', 1));
      await settled();
      expect(cluster.lookUps).toBe(0);
      expect(cluster.sent).toEqual([]);
    });

    it('are not sent to the process that appended them', async () => {
      a.connect('n1');
      a.append(rowOf('n1', 1));
      await settled();
      expect(cluster.sent).toEqual([]);
    });

    it('need one look-up for many commits to a reader that stays', async () => {
      b.connect('n1');
      for (let n = 1; n <= 5; n += 1) {
        a.append(rowOf('n1', n));
        await settled();
      }
      expect(b.offered).toHaveLength(5);
      expect(cluster.lookUps).toBe(1);
    });

    it('that come where their reader was before are noticed where it went, and the next go there', async () => {
      b.connect('n1');
      a.append(rowOf('n1', 1));
      await settled();
      b.disconnect('n1');
      c.connect('n1');
      a.append(rowOf('n1', 2));
      await settled();
      expect(c.noticed).toEqual(['n1 2']);
      a.append(rowOf('n1', 3));
      await settled();
      expect(c.offered).toEqual(['n1 3']);
    });

    it('reach a reader elsewhere that was here a moment ago', async () => {
      a.connect('n1');
      a.append(rowOf('n1', 1));
      await settled();
      a.disconnect('n1');
      b.connect('n1');
      a.append(rowOf('n1', 2));
      await settled();
      expect(b.offered).toEqual(['n1 2']);
    });

    it('reach a reader that was sent elsewhere, before its connection here is gone', async () => {
      a.connect('n1');
      a.append(rowOf('n1', 1));
      await settled();
      a.sendAway('n1');
      b.connect('n1');
      a.append(rowOf('n1', 2));
      await settled();
      expect(b.offered).toEqual(['n1 2']);
    });

    it('that come for a reader that was sent elsewhere are noticed there as well', async () => {
      b.connect('n1');
      a.append(rowOf('n1', 1));
      await settled();
      b.sendAway('n1');
      c.connect('n1');
      a.append(rowOf('n1', 2));
      await settled();
      expect([b.offered, c.noticed]).toEqual([['n1 1', 'n1 2'], ['n1 2']]);
      a.append(rowOf('n1', 3));
      await settled();
      expect(c.offered).toEqual(['n1 3']);
    });

    it('whose link is gone are noticed at once where the reader is now', async () => {
      b.connect('n1');
      a.append(rowOf('n1', 1));
      await settled();
      cluster.network.leave('B');
      b.disconnect('n1');
      c.connect('n1');
      a.append(rowOf('n1', 2));
      await settled();
      expect([...c.noticed, ...c.offered]).toEqual(['n1 2']);
    });

    it('whose reader comes while it is looked for are noticed here', async () => {
      b.routing.received('C', { kind: 'rows', rows: [rowOf('n1', 2)] });
      b.connect('n1');
      await settled();
      expect(b.noticed).toEqual(['n1 2']);
    });
  });

  describe('frames', () => {
    it('go to all connections of a node but the one that sent', async () => {
      const sender = senderAt(a, 'n1');
      a.connect('n1-other');
      b.connect('n1');
      expect(await reach(a, 'n1', sender)).toBe(true);
      expect(a.heard).toEqual([]);
      expect(b.heard).toEqual(['n1: hi']);
    });

    it('that are messages are told to those who look on, where they are handed over; receipts are not', async () => {
      const sender = senderAt(a, 'me');
      a.connect('n1');
      b.connect('n1');
      a.routing.deliver(['me', 'n1'], 'hi', sender);
      a.routing.deliver(['n1'], deliveredFrame('m1', 'n2'));
      await settled();
      expect([a.heard.length, b.heard.length]).toEqual([2, 2]);
      expect([a.delivered, b.delivered]).toEqual([['n1: hi'], ['n1: hi']]);
    });

    it('go to each server node once, however many nodes of it they are for', async () => {
      const sender = senderAt(a, 'me');
      for (const nodeId of ['n1', 'n2', 'n3']) b.connect(nodeId);
      c.connect('n3');
      a.routing.deliver(['me', 'n1', 'n2', 'n3', 'offline'], 'hi', sender);
      await settled();
      expect(a.heard).toEqual([]);
      expect(b.heard).toEqual(['n1: hi', 'n2: hi', 'n3: hi']);
      expect(c.heard).toEqual(['n3: hi']);
      expect(cluster.kinds()).toEqual(['A>B frame', 'A>C frame']);
    });

    it('reach nobody where nobody is, which is asked anew each time', async () => {
      const sender = senderAt(a, 'me');
      expect(await reach(a, 'n1', sender)).toBe(false);
      b.connect('n1');
      expect(await reach(a, 'n1', sender)).toBe(true);
      expect(cluster.lookUps).toBe(2);
    });

    it('reach a node elsewhere that was here a moment ago, and else nobody', async () => {
      const sender = senderAt(a, 'me');
      a.connect('n1');
      await reach(a, 'n1', sender);
      a.disconnect('n1');
      expect(await reach(a, 'n1', sender)).toBe(false);
      b.connect('n1');
      expect(await reach(a, 'n1', sender)).toBe(true);
      expect(b.heard).toEqual(['n1: hi']);
    });

    it('keep their order although one of them waits for a look-up', async () => {
      const sender = senderAt(a, 'me');
      b.connect('n1');
      for (const text of ['1', '2', '3']) a.routing.deliver(['n1'], text, sender);
      await settled();
      a.routing.deliver(['n1'], '4', sender);
      await settled();
      expect(b.heard).toEqual(['n1: 1', 'n1: 2', 'n1: 3', 'n1: 4']);
    });

    it('are counted when it cannot be known where their nodes are', async () => {
      const sender = senderAt(a, 'me');
      cluster.isAway = true;
      a.append(rowOf('n1', 1));
      await settled();
      expect(await a.drops('place_unknown')).toBe(0);
      expect(await reach(a, 'n1', sender)).toBe(false);
      a.routing.deliver(['n1', 'n2'], 'hi', sender);
      await settled();
      expect(await a.drops('place_unknown')).toBe(2);
    });

    it('that are messages end where their node was before, are counted, and the next find it', async () => {
      const sender = senderAt(a, 'me');
      b.connect('n1');
      await reach(a, 'n1', sender);
      b.disconnect('n1');
      c.connect('n1');
      await reach(a, 'n1', sender);
      expect([c.heard, await b.drops('moved')]).toEqual([[], 1]);
      expect(cluster.kinds().slice(-2)).toEqual(['A>B frame', 'B>A moved']);
      await reach(a, 'n1', sender);
      expect(c.heard).toEqual(['n1: hi']);
    });

    it('find a node that was sent elsewhere there, too, as soon as one came where it was', async () => {
      const sender = senderAt(a, 'me');
      b.connect('n1');
      await reach(a, 'n1', sender);
      b.sendAway('n1');
      c.connect('n1');
      await reach(a, 'n1', sender);
      await reach(a, 'n1', sender);
      expect([b.heard.length, c.heard.length, await b.drops('moved')]).toEqual([3, 1, 0]);
    });

    it('that are receipts go on from where their node was before to where it is, and no further', async () => {
      const report = deliveredFrame('m1', 'n2');
      b.connect('n1');
      a.routing.deliver(['n1'], report);
      await settled();
      b.disconnect('n1');
      c.connect('n1');
      a.routing.deliver(['n1'], report);
      await settled();
      expect(c.heard).toEqual([`n1: ${report}`]);
      b.routing.received('A', { kind: 'frame', nodeIds: ['n1'], frame: report, hops: 1 });
      await settled();
      expect(c.heard).toHaveLength(1);
    });

    it('that are receipts and are handed on to where they began are delivered there', async () => {
      const report = deliveredFrame('m1', 'n2');
      a.connect('n1');
      b.routing.received('C', { kind: 'frame', nodeIds: ['n1'], frame: report, hops: 0 });
      await settled();
      expect(a.heard).toEqual([`n1: ${report}`]);
    });
  });

  it('knows from the look-up of its rows that a node is elsewhere, and never takes this process for that', async () => {
    const told: boolean[] = [];
    const ask = (nodeId: string): void => a.routing.isElsewhere(nodeId, (isElsewhere) => void told.push(isElsewhere));
    b.connect('n1');
    a.connect('n2');
    a.append(rowOf('n1', 1));
    for (const nodeId of ['n1', 'n2', 'offline']) ask(nodeId);
    await settled();
    expect([told, cluster.lookUps]).toEqual([[true, false, false], 1]);
    a.others = false;
    ask('n1');
    expect(told.at(-1)).toBe(false);
  });

  it('forgets what it believed of a server node that died', async () => {
    b.connect('n1');
    a.append(rowOf('n1', 1));
    await settled();
    a.died({ serverNodeId: 'B' } as ServerNodeRow);
    a.append(rowOf('n1', 2));
    await settled();
    expect(cluster.lookUps).toBe(2);
  });

  it('looks at all tails when a link is there again', async () => {
    b.connect('n1');
    a.append(rowOf('n1', 1));
    await settled();
    const before = b.tailsLookedAt;
    cluster.network.cut('A', 'B');
    await settled();
    cluster.network.heal('A', 'B');
    await settled();
    expect(b.tailsLookedAt).toBeGreaterThan(before);
  });
});
