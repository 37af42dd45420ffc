import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { Mailbox } from './mailbox.js';

export type WireFrame = Record<string, unknown>;

interface ScriptedAnswer {
  status: number;
  body: object;
  headers?: Record<string, string>;
}

export const HELLO: WireFrame = {
  type: -110,
  node_id: 'me',
  client_id: null,
  connection_id: 'c1',
  server_node_id: '~s1',
  epoch: 'e1',
  resumed: false,
  floor_seq: 1,
  tail_seq: 0,
  acked_seq: 0,
  max_frame_bytes: 65_536,
  window: 256,
  window_bytes: 524_288,
  ping_interval_ms: 25_000,
};

/** The server's end of one websocket; the test says each frame. */
export class ScriptedConnection {
  readonly query: URLSearchParams;
  readonly #socket: WebSocket;
  readonly #frames = new Mailbox<WireFrame>();
  readonly closed: Promise<number>;

  constructor(socket: WebSocket, url: string) {
    this.query = new URL(url, 'http://localhost').searchParams;
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#frames.put(JSON.parse(data.toString()) as WireFrame));
    this.closed = new Promise((resolve) => socket.on('close', resolve));
  }

  hello(fields: WireFrame = {}): void {
    this.send({ ...HELLO, ...fields });
  }

  send(frame: WireFrame | string): void {
    this.#socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** Delivers inbox entries with these seqs. */
  deliver(...seqs: number[]): void {
    for (const seq of seqs) this.send(messageOf(seq));
  }

  next(): Promise<WireFrame> {
    return this.#frames.take();
  }

  async nextMany(count: number): Promise<WireFrame[]> {
    const frames: WireFrame[] = [];
    while (frames.length < count) frames.push(await this.next());
    return frames;
  }

  stored(id: unknown): void {
    this.send({ type: -112, id, status: 'stored' });
  }

  close(code: number, reason = ''): void {
    this.#socket.close(code, reason);
  }

  terminate(): void {
    this.#socket.terminate();
  }
}

export function messageOf(seq: number): WireFrame {
  return { id: `m${seq}`, type: 0, src_id: 'other', dest_id: 'me', timestamp: 1, seq, payload: seq };
}

/** A server that does what the test says: pre-connections are granted unless an answer was put in. */
export class ScriptedServer {
  readonly connections = new Mailbox<ScriptedConnection>();
  /** The Authorization headers of all calls. */
  readonly keys: string[] = [];
  /** Method, path and body of all calls but pre-connections. */
  readonly calls: string[] = [];
  readonly #answers: ScriptedAnswer[] = [];
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  #granted = 0;

  private constructor() {
    this.#http = createServer((request, response) => void this.#onRequest(request, response));
    this.#sockets = new WebSocketServer({ server: this.#http });
    this.#sockets.on('connection', (socket, request) =>
      this.connections.put(new ScriptedConnection(socket, request.url ?? '')),
    );
  }

  static async start(): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    await new Promise<void>((resolve) => server.#http.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The answer to the next call, whatever it is. */
  answerNext(answer: ScriptedAnswer): void {
    this.#answers.push(answer);
  }

  target(): { url: string; validation_key: string } {
    this.#granted += 1;
    const key = `k${this.#granted}`;
    return { url: `ws://127.0.0.1:${this.#port}/connect?validation_key=${key}`, validation_key: key };
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  get #port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    this.keys.push(request.headers.authorization ?? '');
    const isPreConnection = request.url === '/v1/pre-connections';
    if (!isPreConnection) this.calls.push(`${request.method} ${request.url} ${body}`.trim());
    const answer = this.#answers.shift() ?? { status: 201, body: this.target() };
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
    response.end(JSON.stringify(answer.body));
  }
}
