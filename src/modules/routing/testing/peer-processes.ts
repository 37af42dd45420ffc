import { ManualClock } from '../../../common/clock.js';
import { Metrics } from '../../../common/metrics.js';
import type { ConnectionRow, LiveConnection } from '../../connections/index.js';
import { inboxLogOf, NO_TOTALS, nodeOfInboxLog, type ReadableRow } from '../../inbox/index.js';
import type { ServerNodeRow } from '../../nodes/index.js';
import type { PeerFrame } from '../peer-links.js';
import { PeerRouting } from '../peer-routing.js';
import { LocalNetwork } from './local-peer-links.js';

export async function settled(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await new Promise(setImmediate);
}

export function rowOf(nodeId: string, n: number): ReadableRow {
  return { log: inboxLogOf(nodeId), n, at: 0, key: `k${n}`, totals: NO_TOTALS, report: false, body: `body ${n}` };
}

/** What the processes of one test share: the directory, and the network. */
export class Cluster {
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

/** One server node as far as its routing sees it. */
export class Process {
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

  async drops(reason: string): Promise<number> {
    const { values } = await this.metrics.drops.get();
    return values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
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
