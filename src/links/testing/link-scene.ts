import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { type Clock, SystemClock } from '../../common/clock.js';
import type { KeyPairFiles } from '../../common/key-pair.js';
import { Metrics } from '../../common/metrics.js';
import { Heard } from '../../modules/routing/testing/index.js';
import { LinkListener } from '../link-listener.js';
import type { LinksSettings } from '../links.settings.js';
import type { PeerAddress, PeerAddresses, PeerIdentity } from '../peer-addresses.js';
import { WebsocketPeerLinks } from '../websocket-peer-links.js';

export const LINK_SECRET = 'a secret of server nodes in tests, 32 bytes';

export function linkSettings(changes: Partial<LinksSettings> = {}): LinksSettings {
  return {
    secret: { reveal: () => LINK_SECRET },
    ca: undefined,
    listener: undefined,
    pingIntervalMs: 5_000,
    deadMs: 15_000,
    reconnectMinMs: 100,
    reconnectMaxMs: 2_000,
    waitingBytes: 16 * 1024 * 1024,
    ...changes,
  };
}

/** A registry that says what a test puts into it. */
export class KnownPeers implements PeerAddresses {
  readonly peers = new Map<string, PeerAddress>();
  /** What the registry has that is not known yet. */
  readonly news = new Map<string, PeerAddress>();
  looks = 0;
  appeared: (serverNodeId: string, isOlder: boolean) => void = () => {};

  constructor(readonly self: PeerIdentity | undefined) {}

  find(serverNodeId: string): PeerAddress | undefined {
    return this.peers.get(serverNodeId);
  }

  async lookAgain(): Promise<void> {
    this.looks += 1;
    for (const [serverNodeId, address] of this.news) this.peers.set(serverNodeId, address);
  }

  onAppeared(call: typeof this.appeared): void {
    this.appeared = call;
  }
}

export interface LinkNodeOptions {
  readonly clock?: Clock;
  readonly settings?: Partial<LinksSettings>;
  readonly tls?: KeyPairFiles;
  readonly bootId?: string;
}

/** The links of one server node, with a listener of their own on a free port. */
export class LinkNode {
  readonly metrics = new Metrics();
  readonly heard = new Heard();
  readonly peers: KnownPeers;
  readonly links: WebsocketPeerLinks;
  private readonly listener: LinkListener;

  private constructor(
    readonly serverNodeId: string,
    private readonly options: LinkNodeOptions,
  ) {
    const { clock = new SystemClock(), settings, tls, bootId = `boot of ${serverNodeId}` } = options;
    this.peers = new KnownPeers({ serverNodeId, bootId });
    this.links = new WebsocketPeerLinks(this.peers, linkSettings(settings), clock, this.metrics);
    const take = this.links.acceptor.take.bind(this.links.acceptor);
    this.listener = new LinkListener({ host: '127.0.0.1', port: 0, ...(tls && { tls }) }, take, clock);
  }

  static async start(serverNodeId: string, options: LinkNodeOptions = {}): Promise<LinkNode> {
    const node = new LinkNode(serverNodeId, options);
    await node.listener.listen();
    return node;
  }

  get port(): number {
    return this.listener.address?.port ?? 0;
  }

  get address(): PeerAddress {
    const scheme = this.options.tls ? 'wss' : 'ws';
    return { internalUrl: `${scheme}://127.0.0.1:${this.port}`, bootId: this.peers.self?.bootId ?? '' };
  }

  /** Writes all down that is heard. */
  listen(): this {
    this.links.listen(this.heard);
    return this;
  }

  knows(other: LinkNode, address: PeerAddress = other.address): this {
    this.peers.peers.set(other.serverNodeId, address);
    return this;
  }

  /** Of one figure, for instance `allspark_link_drops_total{peer="x",reason="full"}`; 0 when it is not there. */
  async figure(name: string, labels: Readonly<Record<string, string>>): Promise<number> {
    const metrics = await this.metrics.registry.getMetricsAsJSON();
    const values = metrics.find((metric) => metric.name === name)?.values ?? [];
    const fits = (of: object): boolean =>
      Object.entries(labels).every(([key, value]) => (of as Record<string, unknown>)[key] === value);
    return values.filter((each) => fits(each.labels)).reduce((sum, each) => sum + each.value, 0);
  }

  async close(): Promise<void> {
    await this.links.close();
    await this.listener.close();
  }
}

/** A way to a port that tests may cut, or let go silent. */
export class Wire {
  private readonly pairs = new Set<readonly [Socket, Socket]>();
  private isCut = false;
  private isSilent = false;

  private constructor(
    private readonly server: Server,
    port: number,
  ) {
    server.on('connection', (near: Socket) => {
      if (this.isCut) return near.destroy();
      this.join(near, connect(port, '127.0.0.1'));
    });
  }

  static async to(port: number): Promise<Wire> {
    const wire = new Wire(createServer(), port);
    wire.server.listen(0, '127.0.0.1');
    await once(wire.server, 'listening');
    return wire;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  cut(): void {
    this.isCut = true;
    for (const pair of this.pairs) for (const socket of pair) socket.destroy();
  }

  heal(): void {
    this.isCut = false;
    this.isSilent = false;
  }

  /** Nothing passes any more, not even an end: as behind a cable that was pulled. */
  silence(): void {
    this.isSilent = true;
  }

  close(): void {
    this.cut();
    this.server.close();
  }

  private join(near: Socket, far: Socket): void {
    const pair = [near, far] as const;
    this.pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on('data', (data) => void (this.isSilent || to.write(data)));
      from.on('error', () => {});
      from.on('close', () => {
        this.pairs.delete(pair);
        if (!this.isSilent) to.destroy();
      });
    }
  }
}
