import type { Socket } from 'node:net';
import { pause } from './wait.js';

/** `up`: from the client to the server. */
export type Way = 'up' | 'down';

export interface Weather {
  /** Nothing gets through, and nobody is told. */
  blackHole: Record<Way, boolean>;
  delayMs: number;
  jitterMs: number;
  /** 0: as fast as it goes. */
  bytesPerSecond: number;
  /** Stop for good after so many bytes of a link. */
  stopAfter: Record<Way, number>;
  /** The next bytes of the server on each link vanish, and the link is reset. */
  swallowReply: boolean;
  /** The link that carries the last of so many bytes, whichever way, is reset behind it. */
  cutAfter: { left: number; done(): void } | undefined;
}

const PIECE = 16 * 1024;

/** One TCP connection through the proxy: two pipes under one weather. */
export class ProxyLink {
  readonly passed: Record<Way, number> = { up: 0, down: 0 };
  private over = false;
  private wake: () => void = () => {};
  private changed = new Promise<void>((resolve) => (this.wake = resolve));

  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
    private readonly weather: Weather,
    private readonly random: () => number,
    private readonly ended: (link: ProxyLink) => void,
  ) {
    for (const socket of [client, server]) {
      socket.setNoDelay();
      socket.on('error', () => undefined);
    }
    void this.pipe('up', client, server);
    void this.pipe('down', server, client);
    client.once('close', () => void this.whenOpen('up').then(() => this.cut()));
    server.once('close', () => void this.whenOpen('down').then(() => this.cut()));
  }

  /** The weather has changed: who waits for it looks again. */
  look(): void {
    this.wake();
    this.changed = new Promise<void>((resolve) => (this.wake = resolve));
  }

  /** Both ends see a reset. */
  reset(): void {
    this.client.resetAndDestroy();
    this.server.resetAndDestroy();
    this.finish();
  }

  /** One end is told that nothing more comes; the other way stays open. */
  halfClose(way: Way): void {
    (way === 'up' ? this.server : this.client).end();
  }

  private async pipe(way: Way, from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        for (let at = 0, size = 0; at < chunk.length; at += size) {
          size = this.pieceBytes;
          await this.pass(way, chunk.subarray(at, at + size), to);
        }
      }
      await this.whenOpen(way);
      to.end();
    } catch {
      // A reset on one side; `close` tells the other.
    }
  }

  /** Of a throttled link what it lets through in a second: more at a time would be silence, and then a burst. */
  private get pieceBytes(): number {
    const { bytesPerSecond } = this.weather;
    return bytesPerSecond > 0 ? Math.min(PIECE, bytesPerSecond) : PIECE;
  }

  private async pass(way: Way, bytes: Buffer, to: Socket): Promise<void> {
    const { delayMs, jitterMs, bytesPerSecond, stopAfter, swallowReply } = this.weather;
    if (way === 'down' && swallowReply) return this.reset();
    if (delayMs > 0 || jitterMs > 0) await pause(delayMs + this.random() * jitterMs);
    if (bytesPerSecond > 0) await pause((bytes.length / bytesPerSecond) * 1_000);
    await this.whenOpen(way);
    if (this.weather.cutAfter && (this.weather.cutAfter.left -= bytes.length) < 0) return this.cutWithin(bytes, to);
    const room = stopAfter[way] - this.passed[way];
    if (room < bytes.length) return this.stopFor(way, bytes.subarray(0, room), to);
    this.passed[way] += bytes.length;
    if (!to.destroyed && !to.write(bytes)) await this.drained(to);
  }

  private async stopFor(way: Way, rest: Buffer, to: Socket): Promise<void> {
    this.passed[way] += rest.length;
    if (rest.length > 0) to.write(rest);
    while (!this.over) await this.changed;
  }

  private cutWithin(bytes: Buffer, to: Socket): void {
    const cut = this.weather.cutAfter!;
    this.weather.cutAfter = undefined;
    // A reset throws away what the kernel was not given yet.
    to.write(bytes.subarray(0, cut.left), () => {
      this.reset();
      cut.done();
    });
  }

  private drained(to: Socket): Promise<void> {
    return new Promise((resolve) => {
      to.once('drain', resolve);
      to.once('close', () => resolve());
    });
  }

  private async whenOpen(way: Way): Promise<void> {
    while (this.weather.blackHole[way] && !this.over) await this.changed;
  }

  private cut(): void {
    this.client.destroy();
    this.server.destroy();
    this.finish();
  }

  private finish(): void {
    if (this.over) return;
    this.over = true;
    this.look();
    this.ended(this);
  }
}
