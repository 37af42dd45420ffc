import type { Crew } from '../harness/crew.js';
import type { Scene } from '../harness/scene.js';
import type { ServerNode } from '../harness/server-node.js';
import { manSession } from './session-traffic.js';

const CREWS = 2;
/** One in so many is on the client library, the others are bare websockets. */
const SDK_EVERY = 10;
/** One in so many that come was never seen before, and who made room for it stays away. */
const NEW_EVERY = 10;
const SENDERS = 10;
const TALKERS = 6;
const TALKS_PER_SECOND = 3;

/** So many connected clients, of which some leave and others come all the time, and those who write to them. */
export class Crowd {
  private readonly crews: Crew[];
  private readonly writing: Crew;
  private readonly here: string[] = [];
  private readonly away: string[] = [];
  private count = 0;
  /** Clients that left, or came, in place of others. */
  turns = 0;

  constructor(
    private readonly scene: Scene,
    private readonly server: ServerNode,
    private readonly name: string,
  ) {
    this.crews = Array.from({ length: CREWS }, () => scene.crew());
    this.writing = scene.crew();
    for (const crew of this.crews) crew.giveWay();
  }

  /** All connect, and those who write to them; `perSecond`: of all writers together. */
  async gather(clients: number, perSecond: number): Promise<void> {
    while (this.here.length < clients) {
      for (let most = 50; most > 0 && this.here.length < clients; most -= 1) await this.comes(this.newcomer());
      await Promise.all(this.crews.map((crew) => crew.connected()));
    }
    const { scene, server, writing } = this;
    const each = perSecond / SENDERS / 2;
    for (let index = 0; index < SENDERS; index += 1) {
      const dests = this.here.filter((_node, at) => at % SENDERS === index);
      const back = { url: server.directUrl, perSecond: each };
      await writing.send({ kind: 'sdk', src: `${this.name}-writer-${index + 1}`, dests, ...back });
      await writing.send({ kind: 'raw', src: `${this.name}-pen-${index + 1}`, dests, ...back });
    }
    const talkers = this.here.slice(0, TALKERS);
    await manSession(scene, writing, server, talkers, { perSecond: TALKS_PER_SECOND }, server.directUrl);
    await writing.connected();
    await writing.tell({ do: 'go' });
  }

  /** One leaves and another comes. */
  async turn(): Promise<void> {
    this.turns += 1;
    const [leaves] = this.here.splice(this.scene.random.int(0, this.here.length - 1), 1);
    await this.crewOf(leaves!).tell({ do: 'leave', reader: readerOf(leaves!) });
    this.away.push(leaves!);
    await this.comes(this.turns % NEW_EVERY === 0 ? this.newcomer() : this.away.shift()!);
  }

  /** Some nodes, for the final reading: those that talked, and others. */
  some(): string[] {
    return this.here.filter((_node, at) => at % 20 === 0);
  }

  stop(): Promise<unknown> {
    return this.writing.tell({ do: 'stop' });
  }

  /** Those who are away, too: what was confirmed has to reach them. */
  async allCome(): Promise<void> {
    for (const node of this.away.splice(0)) await this.comes(node);
  }

  private newcomer(): string {
    return `${this.name}-${(this.count += 1)}`;
  }

  private async comes(node: string): Promise<void> {
    const kind = this.numberOf(node) % SDK_EVERY === 0 ? 'sdk' : 'raw';
    await this.crewOf(node).read({ kind, reader: readerOf(node), node, url: this.server.directUrl });
    this.here.push(node);
  }

  private crewOf(node: string): Crew {
    return this.crews[this.numberOf(node) % CREWS]!;
  }

  private numberOf(node: string): number {
    return Number(node.slice(this.name.length + 1));
  }
}

const readerOf = (node: string): string => `${node}/one`;
