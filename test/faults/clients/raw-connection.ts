import { WebSocket } from 'ws';
import { authKey, skewedKey } from './auth-key.js';
import type { Where } from './commands.js';
import { wordIn } from './group-fields.js';
import type { JournalWriter } from './journal-writer.js';

export type Frame = Record<string, unknown>;

export interface RawEvents {
  /** What is asked for on the next opening, from the question mark on. */
  query(): string;
  onHello(hello: Frame): void;
  onFrame(frame: Frame, text: string): void;
  onLost(): void;
}

const [SOONEST_MS, LATEST_MS] = [200, 1_000];

/** A bare websocket that is opened again until it is closed by its owner. */
export class RawConnection {
  connected = false;
  private socket: WebSocket | undefined;
  private over = false;
  private hopping = false;
  private url: string;
  private retryAfterMs = 0;

  constructor(
    private readonly client: string,
    private readonly node: string,
    private readonly where: Where,
    private readonly journal: JournalWriter,
    private readonly events: RawEvents,
  ) {
    this.url = where.url;
    this.open();
  }

  send(text: string): void {
    this.socket?.send(text);
  }

  /** Leaves, and goes on elsewhere at once. */
  hop(url: string): void {
    this.url = url;
    this.hopping = this.connected;
    if (this.connected) this.socket?.close(1000);
  }

  async close(): Promise<void> {
    this.over = true;
    const { socket } = this;
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.close(1000);
    const cut = setTimeout(() => socket.terminate(), 1_000);
    await closed;
    clearTimeout(cut);
  }

  private open(): void {
    const { secret, skewFile } = this.where;
    const key = skewFile === undefined ? authKey(secret, this.node) : skewedKey(secret, this.node, skewFile);
    const target = `${this.url.replace(/^http/, 'ws')}/connect${this.events.query()}`;
    const socket = new WebSocket(target, { headers: { authorization: `Bearer ${key}` } });
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('unexpected-response', (request, response) => {
      this.retryAfterMs = Number(response.headers['retry-after'] ?? 0) * 1_000;
      this.refused(response.statusCode ?? 0);
      request.destroy();
      this.again();
    });
    socket.on('message', (data: Buffer) => this.take(data.toString('utf8')));
    socket.once('close', (code, reason) => this.lost(code, reason.toString('utf8')));
  }

  private take(text: string): void {
    const frame = JSON.parse(text) as Frame;
    if (frame['type'] !== -110) return this.events.onFrame(frame, text);
    this.connected = true;
    this.journal.write({ what: 'connected', client: this.client, server: wordIn(frame, 'server_node_id') });
    this.events.onHello(frame);
  }

  private refused(status: number): void {
    const reason = `http ${status} retry-after ${this.retryAfterMs}`;
    this.journal.write({ what: 'closed', client: this.client, code: status, reason });
  }

  private lost(code: number, reason: string): void {
    const was = this.connected;
    this.connected = false;
    if (was) this.journal.write({ what: 'closed', client: this.client, code, reason });
    if (was) this.events.onLost();
    this.retryAfterMs = Number(/retry_after_ms=(\d+)/.exec(reason)?.[1] ?? 0);
    this.again();
  }

  private again(): void {
    if (this.over) return;
    this.socket?.removeAllListeners('close');
    const pause = this.retryAfterMs + SOONEST_MS + Math.random() * (LATEST_MS - SOONEST_MS);
    const delay = this.hopping ? 0 : pause;
    this.hopping = false;
    this.retryAfterMs = 0;
    setTimeout(() => {
      if (!this.over) this.open();
    }, delay);
  }
}
