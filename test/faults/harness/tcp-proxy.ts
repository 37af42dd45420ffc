import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { ProxyLink, type Way, type Weather } from './proxy-link.js';
import type { Random } from './random.js';

const BOTH: readonly Way[] = ['up', 'down'];
const HOST = '127.0.0.1';

function fair(): Weather {
  return {
    blackHole: { up: false, down: false },
    delayMs: 0,
    jitterMs: 0,
    bytesPerSecond: 0,
    stopAfter: { up: Infinity, down: Infinity },
    swallowReply: false,
  };
}

/** Stands on a link between two processes and does to it what networks do. What it does holds for links to come too. */
export class TcpProxy {
  private readonly weather = fair();
  private readonly links = new Set<ProxyLink>();
  private refusing = false;

  private constructor(
    private readonly server: Server,
    public target: number,
    private readonly random: Random,
  ) {
    server.on('connection', (client) => this.accept(client));
  }

  /** Listens on a port of its own, or that of one before it; `target`: the port where the connections go. */
  static async start(target: number, random: Random, port: number = 0): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true });
    const proxy = new TcpProxy(server, target, random);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, host: HOST, backlog: 4096 }, () => resolve());
    });
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get size(): number {
    return this.links.size;
  }

  blackHole(ways: readonly Way[] = BOTH): void {
    for (const way of ways) this.weather.blackHole[way] = true;
    this.look();
  }

  delay(ms: number, jitterMs: number = 0): void {
    Object.assign(this.weather, { delayMs: ms, jitterMs });
  }

  throttle(bytesPerSecond: number): void {
    this.weather.bytesPerSecond = bytesPerSecond;
  }

  /** Every link stops, without an end, as soon as so many bytes of it have passed this way. */
  pauseAfter(bytes: number, way: Way): void {
    this.weather.stopAfter[way] = bytes;
  }

  /** Whatever the server answers next vanishes, and the link with it. */
  swallowReply(): void {
    this.weather.swallowReply = true;
  }

  reset(): void {
    for (const link of Array.from(this.links)) link.reset();
  }

  halfClose(way: Way): void {
    for (const link of this.links) link.halfClose(way);
  }

  /** New connections are reset at once, or let in again. */
  refuse(on: boolean): void {
    this.refusing = on;
  }

  /** Fair weather again; links that were stopped for good are reset. */
  heal(): void {
    const stopped = Math.min(this.weather.stopAfter.up, this.weather.stopAfter.down) < Infinity;
    Object.assign(this.weather, fair());
    this.refusing = false;
    if (stopped) this.reset();
    this.look();
  }

  async close(): Promise<void> {
    this.reset();
    await new Promise<void>((resolve) => void this.server.close(() => resolve()));
  }

  private look(): void {
    for (const link of this.links) link.look();
  }

  private accept(client: Socket): void {
    client.on('error', () => undefined);
    if (this.refusing) return void client.resetAndDestroy();
    const server = connect({ port: this.target, host: HOST, allowHalfOpen: true });
    const random = (): number => this.random.next();
    this.links.add(new ProxyLink(client, server, this.weather, random, (link) => this.links.delete(link)));
  }
}
