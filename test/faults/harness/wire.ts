import { connect, type Socket } from 'node:net';
import { ProxyLink, type Way, type Weather } from './proxy-link.js';
import type { Random } from './random.js';

const BOTH: readonly Way[] = ['up', 'down'];
export const HOST = '127.0.0.1';

export interface Target {
  readonly port: number;
  /** Default: 127.0.0.1. */
  readonly host?: string;
}

function fair(): Weather {
  return {
    blackHole: { up: false, down: false },
    delayMs: 0,
    jitterMs: 0,
    bytesPerSecond: 0,
    stopAfter: { up: Infinity, down: Infinity },
    swallowReply: false,
    cutAfter: undefined,
  };
}

/** Connections between two processes under one weather: what networks do to them. It holds for those to come too. */
export class Wire {
  private readonly weather = fair();
  private readonly links = new Set<ProxyLink>();
  private refusing = false;

  constructor(private readonly random: Random) {}

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

  /** Resolves when so many more bytes have passed, whichever way, and the link that carried the last was reset. */
  resetAfter(bytes: number): Promise<void> {
    return new Promise((done) => (this.weather.cutAfter = { left: bytes, done }));
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

  private look(): void {
    for (const link of this.links) link.look();
  }

  /** A connection that somebody opened goes on to the target. */
  join(client: Socket, { port, host = HOST }: Target): void {
    client.on('error', () => undefined);
    if (this.refusing) return void client.resetAndDestroy();
    const server = connect({ port, host, allowHalfOpen: true });
    const random = (): number => this.random.next();
    this.links.add(new ProxyLink(client, server, this.weather, random, (link) => this.links.delete(link)));
  }
}
