import { Injectable } from '@nestjs/common';
import Denque from 'denque';
import { Clock } from '../../common/clock.js';
import { chooseServerNode } from './server-node-choice.js';
import type { ServerNodeRow } from './server-nodes.js';
import { ServerNodesView } from './server-nodes-view.js';

/** Who has not come by then does not come, or comes as somebody else's newcomer. */
const EXPECTED_FOR_MS = 10_000;

export interface Newcomer {
  /** What keeps the members of a session together. */
  readonly sessionId?: string | undefined;
  /** Only ports 80 and 443 are open where it is. */
  readonly needsPort80?: boolean;
}

/** Newcomers that were sent to one server node. */
class Sent {
  private readonly times = new Denque<number>();
  private connections = 0;

  add(now: number): void {
    this.times.push(now);
  }

  /** How many are still on their way: whoever arrived is among the connections that it tells of. */
  onTheWay(connections: number, now: number): number {
    const arrived = connections - this.connections;
    this.connections = connections;
    if (arrived > 0) this.times.remove(0, Math.min(arrived, this.times.length));
    while ((this.times.peekFront() ?? Infinity) <= now - EXPECTED_FOR_MS) this.times.shift();
    return this.times.length;
  }
}

/** Finds a server node for each newcomer. */
@Injectable()
export class ServerNodeChooser {
  private readonly sent = new Map<string, Sent>();

  constructor(
    private readonly view: ServerNodesView,
    private readonly clock: Clock,
  ) {
    view.onDied(({ serverNodeId }) => void this.sent.delete(serverNodeId));
  }

  /** Undefined: none that is alive and takes anybody has room, or can be reached from there. */
  choose({ sessionId, needsPort80 = false }: Newcomer): ServerNodeRow | undefined {
    const now = this.clock.monotonic();
    const candidates = this.view
      .beating()
      .filter((row) => !needsPort80 || isOnPort80(row))
      .map((row) => ({ row, ...row, expected: this.of(row).onTheWay(row.connections, now) }));
    const chosen = chooseServerNode(candidates, Math.random, sessionId);
    if (chosen) this.of(chosen).add(now);
    return chosen?.row;
  }

  private of({ serverNodeId }: Pick<ServerNodeRow, 'serverNodeId'>): Sent {
    const present = this.sent.get(serverNodeId) ?? new Sent();
    this.sent.set(serverNodeId, present);
    return present;
  }
}

/** By a proxy, or by itself: an address without a port is on 80 or 443. */
function isOnPort80({ proxyHost, baseUrl }: ServerNodeRow): boolean {
  return proxyHost !== null || new URL(baseUrl).port === '';
}
