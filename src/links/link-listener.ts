import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../common/clock.js';
import { sortableId } from '../common/ids.js';
import type { UpgradeTaker } from '../common/upgrade-claims.js';
import { problemResponse, Refusal } from '../protocol/index.js';
import type { LinkListenerSettings } from './links.settings.js';

const MAX_HEADER_BYTES = 16 * 1024;
/** How long a socket may take to ask for something. */
const HEADERS_MS = 5_000;
const CHECK_MS = 1_000;
const LINGER_MS = 2_000;

/** A listener on an address of its own, where there are links and nothing else. */
export class LinkListener {
  private server: Server | undefined;
  private readonly sockets = new Set<Duplex>();

  constructor(
    private readonly settings: LinkListenerSettings,
    private readonly take: UpgradeTaker,
    private readonly clock: Clock,
  ) {}

  /** Undefined while it does not listen. */
  get address(): AddressInfo | undefined {
    return this.server?.address() as AddressInfo | undefined;
  }

  /** Rejects with the error of the socket, for instance a port that is taken. */
  async listen(): Promise<void> {
    const { host, port, tls } = this.settings;
    const options = {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_MS,
      connectionsCheckingInterval: CHECK_MS,
    };
    const server = tls ? createHttpsServer({ ...options, ...tls }) : createHttpServer(options);
    this.server = server;
    server.on('request', (_request: IncomingMessage, response: ServerResponse) => this.refuse(response.socket));
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (!this.take(request, socket, head)) this.refuse(socket);
    });
    server.on('connection', (socket: Duplex) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
    server.listen(port, host);
    await once(server, 'listening');
  }

  async close(): Promise<void> {
    if (!this.server?.listening) return;
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private refuse(socket: Duplex | null): void {
    if (!socket) return;
    const lingering = this.clock.after(LINGER_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.once('close', () => lingering.cancel());
    socket.end(problemResponse(new Refusal('not_found', { reason: 'no websocket is opened here' }), sortableId()));
    socket.resume();
  }
}
