import { join } from 'node:path';
import { Dialogue } from './dialogue.js';
import { LinkSwitch } from './link-switch.js';
import type { Scene } from './scene.js';
import { ServerNode } from './server-node.js';
import { MongoStore } from './stores.js';
import { TcpProxy } from './tcp-proxy.js';
import type { Target, Wire } from './wire.js';
import { within } from './wait.js';

/** Where server nodes listen: the same port of 127.0.0.1, where others are told to find them, is a switch. */
const LISTEN_ADDRESS = '127.0.0.2';
export const LINK_SECRET = 'a link secret of the harness, at least 32 bytes long';
const SEEN_MS = 30_000;
const STARTS = 3;

/** A server node and all that stands between it and others. */
export interface Member {
  readonly server: ServerNode;
  /** Of the id that its address has in the cluster. */
  id: string;
  readonly links: LinkSwitch;
  /** Between it and its store; the embedded one has none. */
  readonly store: TcpProxy | undefined;
  /** Whether the front door sends clients there. */
  isUp: boolean;
}

/** As a supervisor: a store that is slow to answer on a busy machine ends a start. */
async function startPatiently(server: ServerNode): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const error = await server.start().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error === undefined) return;
    if (tries === STARTS) throw error;
  }
}

/** Server nodes on one store, with a proxy on every link between them, to their store, and to their clients. */
export class Cluster {
  readonly members: Member[] = [];
  private turn = 0;

  private constructor(
    private readonly scene: Scene,
    /** As a load balancer: to the next server node that is up, for each connection. */
    readonly front: TcpProxy,
  ) {}

  static async start(scene: Scene, count: number, settings: Readonly<Record<string, string>> = {}): Promise<Cluster> {
    return (await Cluster.prepare(scene, count, settings)).startAll();
  }

  /** All is there but the processes. */
  static async prepare(
    scene: Scene,
    count: number,
    settings: Readonly<Record<string, string>> | ((index: number) => Readonly<Record<string, string>>) = {},
  ): Promise<Cluster> {
    let cluster: Cluster | undefined;
    const front = scene.closing(await TcpProxy.start(() => cluster?.nextUp(), scene.random));
    cluster = new Cluster(scene, front);
    for (let index = 0; index < count; index += 1) {
      await cluster.add(typeof settings === 'function' ? settings(index) : settings);
    }
    return cluster;
  }

  get servers(): readonly ServerNode[] {
    return this.members.map(({ server }) => server);
  }

  /** Base URL of the front door. */
  get url(): string {
    return `http://127.0.0.1:${this.front.port}`;
  }

  async startAll(): Promise<this> {
    await Promise.all(this.members.map((member) => this.up(member)));
    await this.seeEachOther();
    return this;
  }

  /** Starts it, the first time or again. */
  async up(member: Member): Promise<void> {
    await startPatiently(member.server);
    member.isUp = true;
    if (member.id !== '') return;
    const dialogue = await Dialogue.open(member.server.directUrl, member.server.key('harness'));
    member.id = String(dialogue.heard[0]?.['server_node_id']);
    await dialogue.close();
  }

  async down(member: Member, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    member.isUp = false;
    await member.server.kill(signal);
  }

  /** Resolves when each of those that are up knows that all of them live. */
  async seeEachOther(): Promise<void> {
    const up = this.members.filter(({ isUp }) => isUp);
    const sees = async ({ server }: Member): Promise<boolean> =>
      (await server.metrics()).sum('allspark_server_nodes', 'state="live"') >= up.length;
    for (const member of up) {
      if (!(await within(SEEN_MS, () => sees(member)))) throw new Error('server nodes do not see each other');
    }
  }

  /** The links that one opens to another. */
  wire(from: Member, to: Member): Wire {
    return to.links.wireFrom(from.id);
  }

  get wires(): Wire[] {
    return this.members.flatMap((to) => this.members.flatMap((from) => (from === to ? [] : [this.wire(from, to)])));
  }

  /** Two hear nothing of each other, on links of either. */
  part(one: Member, other: Member): void {
    this.deafen(one, other);
    this.deafen(other, one);
  }

  /** What one says does not reach the other: frames on its own links, and answers on those of the other. */
  deafen(speaker: Member, hearer: Member): void {
    this.wire(speaker, hearer).blackHole(['up']);
    this.wire(hearer, speaker).blackHole(['down']);
  }

  heal(): void {
    this.front.heal();
    for (const { links, server, store } of this.members) {
      links.heal();
      store?.heal();
      server.proxy?.heal();
    }
  }

  /** Sums over those that are up. */
  async sum(name: string, labels?: string): Promise<number> {
    const up = this.members.filter(({ isUp }) => isUp);
    const all = await Promise.all(up.map(async ({ server }) => (await server.metrics()).sum(name, labels)));
    return all.reduce((sum, value) => sum + value, 0);
  }

  private async add(settings: Readonly<Record<string, string>>): Promise<void> {
    const { scene } = this;
    const links = scene.closing(await LinkSwitch.start(scene.random, LISTEN_ADDRESS));
    const target = { host: LISTEN_ADDRESS, port: links.port };
    const proxy = scene.closing(await TcpProxy.start(() => target, scene.random));
    const store = await this.wayToStore();
    const server = new ServerNode(join(scene.folder, `server-${this.members.length + 1}.log`), {
      ...scene.store.settings,
      ...(store && { MONGODB_URI: (scene.store as MongoStore).uriAt(store.port) }),
      LINK_SECRET,
      // Many processes share few cores here, and none may send clients away for that.
      LOOP_LAG_MS: '0',
      HOST_ADDRESS: '127.0.0.1',
      LISTEN_ADDRESS,
      PUBLIC_URL: `http://127.0.0.1:${proxy.port}`,
      ...settings,
    }).listenOn(links.port, LISTEN_ADDRESS);
    server.proxy = proxy;
    scene.keep(server);
    this.members.push({ server, id: '', links, store, isUp: false });
  }

  private async wayToStore(): Promise<TcpProxy | undefined> {
    const { scene } = this;
    if (!(scene.store instanceof MongoStore)) return undefined;
    return scene.closing(await TcpProxy.start(scene.store.directPort, scene.random));
  }

  private nextUp(): Target | undefined {
    const up = this.members.filter(({ isUp }) => isUp);
    this.turn += 1;
    const member = up[this.turn % up.length];
    return member && { host: LISTEN_ADDRESS, port: member.links.port };
  }
}
