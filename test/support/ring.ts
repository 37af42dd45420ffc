import type { AllsparkClient, StatusEvent } from '@allspark/client';
import type { ProcessNode } from './process-node.js';

/** Messages of one client that wait for their receipts at a time. */
const AT_ONCE = 4;

/** What one client of a ring saw. */
export interface Seen {
  readonly payloads: unknown[];
  readonly statuses: StatusEvent[];
  /** Whom it was told to be away. */
  readonly away: string[];
}

interface Member extends Seen {
  readonly id: string;
  readonly client: AllsparkClient;
  sent: number;
}

/** Clients of the library, of which each writes numbers to the next one, in order, until all of them are told to stop. */
export class Ring {
  private readonly members: Member[];
  private readonly writing: Promise<unknown>[];
  private stopped = false;
  private heard: () => void = () => {};

  private constructor(nodes: readonly ProcessNode[], count: number) {
    this.members = Array.from({ length: count }, (_, index) => this.member(nodes, index));
    this.writing = [];
  }

  /** All are connected, and write, when it resolves. They ask any of the nodes for their places. */
  static async start(nodes: readonly ProcessNode[], count: number): Promise<Ring> {
    const ring = new Ring(nodes, count);
    await Promise.all(ring.members.map(({ client }) => client.connect()));
    ring.members.forEach((member, index) => {
      const next = ring.members[(index + 1) % count]!;
      for (let lane = 0; lane < AT_ONCE; lane += 1) ring.writing.push(ring.write(member, next.id));
    });
    return ring;
  }

  get seen(): readonly (Seen & { readonly id: string })[] {
    return this.members;
  }

  /** Resolves when everybody has had `count` more confirmed: the ring turns. */
  async turns(count: number): Promise<void> {
    const goals = this.members.map(({ payloads }) => payloads.length + count);
    await this.until(() => this.members.every(({ payloads }, index) => payloads.length >= goals[index]!));
  }

  /** Sends nothing new; resolves when all that was sent is confirmed and has arrived. Answers how much each has to have. */
  async stop(): Promise<number[]> {
    this.stopped = true;
    await Promise.all(this.writing);
    const counts = this.members.map((_, index) => this.members.at(index - 1)!.sent);
    await this.until(() => this.members.every(({ payloads }, index) => payloads.length >= counts[index]!));
    return counts;
  }

  private member(nodes: readonly ProcessNode[], index: number): Member {
    const id = `ring-${index}`;
    const seen: Seen = { payloads: [], statuses: [], away: [] };
    const client = nodes[index % nodes.length]!.client(id, {
      url: nodes.map(({ url }) => url),
      onMessage: ({ payload }) => {
        seen.payloads.push(payload);
        this.heard();
      },
      onStatus: (event) => void seen.statuses.push(event),
      onOffline: ({ destId }) => void seen.away.push(destId),
    });
    return { id, client, sent: 0, ...seen };
  }

  private async write(member: Member, destId: string): Promise<void> {
    while (!this.stopped) await member.client.send({ destId, payload: member.sent++ });
  }

  private async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => (this.heard = resolve));
  }
}

/** Everything from the first to the last, each once, in order. */
export function numbersTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
