import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { Metrics } from '../../common/metrics.js';
import { deliveredFrame } from '../../protocol/index.js';
import type { ConnectionRow, LiveConnection } from '../connections/index.js';
import { inboxLogOf, NO_TOTALS, nodeOfInboxLog, type ReadableRow } from '../inbox/index.js';
import type { ServerNodeRow } from '../nodes/index.js';
import { FailStop } from './fail-stop.js';
import { PeerRouting } from './peer-routing.js';
import type { PeerFrame } from './peer-links.js';
import type { Sender } from './routing.types.js';
import { LocalNetwork } from './testing/index.js';

async function settled(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await new Promise(setImmediate);
}

function rowOf(nodeId: string, n: number): ReadableRow {
  return { log: inboxLogOf(nodeId), n, at: 0, key: `k${n}`, totals: NO_TOTALS, report: false, body: `body ${n}` };
}

/** What all processes share: the directory. */
class Cluster {
  readonly network = new LocalNetwork();
  readonly clock = new ManualClock();
  readonly rows: ConnectionRow[] = [];
  readonly sent: Array<{ from: string; to: string; frame: PeerFrame }> = [];
  lookUps = 0;
  isAway = false;

  constructor() {
    this.network.lose = (from, to, frame) => {
      this.sent.push({ from, to, frame });
      return false;
    };
  }

  kinds(): string[] {
    return this.sent.map(({ from, to, frame }) => `${from}>${to} ${frame.kind}`);
  }
}

class Process {
  readonly offered: string[] = [];
  readonly noticed: string[] = [];
  readonly heard: string[] = [];
  readonly delivered: string[] = [];
  readonly routing: PeerRouting;
  private readonly metrics = new Metrics();
  others = true;
  tailsLookedAt = 0;
  died: (row: ServerNodeRow) => void = () => {};
  private readonly live = new Map<string, Set<LiveConnection>>();
  private readonly leaving = new Set<string>();
  private appended: (rows: readonly ReadableRow[]) => void = () => {};

  constructor(
    readonly id: string,
    private readonly cluster: Cluster,
  ) {
    const view = Object.defineProperty(
      { others: true, onDied: (call: typeof this.died) => void (this.died = call) },
      'others',
      {
        get: () => this.others,
      },
    );
    this.routing = new PeerRouting(
      cluster.network.join(id),
      view,
      { id },
      this.connections(),
      this.inbox(),
      { delivered: (nodeId, frame) => void this.delivered.push(`${nodeId}: ${frame}`) },
      cluster.clock,
      this.metrics,
    );
  }

  /** Frames that went nowhere, because nobody knew where to. */
  async drops(): Promise<number> {
    const { values } = await this.metrics.drops.get();
    return values.find(({ labels }) => labels.reason === 'place_unknown')?.value ?? 0;
  }

  connect(nodeId: string): LiveConnection {
    const connectionId = `${nodeId} at ${this.id}`;
    const connection: LiveConnection = {
      connectionId,
      nodeId,
      clientId: null,
      kid: null,
      issuedAt: 0,
      send: (frame) => void this.heard.push(`${nodeId}: ${frame}`),
      close: () => {},
    };
    this.live.set(nodeId, (this.live.get(nodeId) ?? new Set<LiveConnection>()).add(connection));
    this.cluster.rows.push({ nodeId, connectionId, serverNodeId: this.id, bootId: this.id, since: 0 });
    return connection;
  }

  disconnect(nodeId: string): void {
    this.live.delete(nodeId);
    const at = this.cluster.rows.findIndex((row) => row.nodeId === nodeId && row.serverNodeId === this.id);
    this.cluster.rows.splice(at, 1);
  }

  /** Its connection here is told to go elsewhere. */
  sendAway(nodeId: string): void {
    this.leaving.add(nodeId);
  }

  append(...rows: ReadableRow[]): void {
    this.appended(rows);
  }

  private connections(): ConstructorParameters<typeof PeerRouting>[3] {
    return {
      here: (nodeId) => this.live.get(nodeId) ?? new Set(),
      stays: (nodeId) => this.live.has(nodeId) && !this.leaving.has(nodeId),
      everywhere: async (nodeIds) => {
        this.cluster.lookUps += 1;
        if (this.cluster.isAway) throw new Error('away');
        return nodeIds.map((nodeId) => this.cluster.rows.filter((row) => row.nodeId === nodeId));
      },
    };
  }

  private inbox(): ConstructorParameters<typeof PeerRouting>[4] {
    return {
      onAppended: (listener) => void (this.appended = listener),
      offer: (rows) => {
        const isRead = ({ log }: ReadableRow): boolean => this.live.has(nodeOfInboxLog(log));
        this.offered.push(...rows.filter(isRead).map(({ log, n }) => `${nodeOfInboxLog(log)} ${n}`));
        return rows.filter((row) => !isRead(row));
      },
      notice: (nodeId, n) => void this.noticed.push(`${nodeId} ${n}`),
      lookAtTails: async () => void (this.tailsLookedAt += 1),
    };
  }
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

  async function reach(process: Process, nodeId: string, sender: Sender): Promise<boolean> {
    const told = new Promise<boolean>((resolve) => process.routing.reach(nodeId, 'hi', sender, resolve));
    await settled();
    return told;
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
      expect(await a.drops()).toBe(0);
      expect(await reach(a, 'n1', sender)).toBe(false);
      a.routing.deliver(['n1', 'n2'], 'hi', sender);
      await settled();
      expect(await a.drops()).toBe(2);
    });

    it('that come where their node was before go on to where it is, and no further', async () => {
      const sender = senderAt(a, 'me');
      b.connect('n1');
      await reach(a, 'n1', sender);
      b.disconnect('n1');
      c.connect('n1');
      await reach(a, 'n1', sender);
      expect(c.heard).toEqual(['n1: hi']);
      expect(cluster.kinds()).toContain('B>A moved');
      b.routing.received('A', { kind: 'frame', nodeIds: ['n1'], frame: 'again', hops: 1 });
      await settled();
      expect(c.heard).toEqual(['n1: hi']);
    });

    it('handed on to where they began are delivered there', async () => {
      const sender = senderAt(a, 'me');
      b.connect('n1');
      await reach(a, 'n1', sender);
      b.disconnect('n1');
      a.connect('n1');
      b.routing.received('C', { kind: 'frame', nodeIds: ['n1'], frame: 'late', hops: 0 });
      await settled();
      expect(a.heard).toEqual(['n1: late']);
    });
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
