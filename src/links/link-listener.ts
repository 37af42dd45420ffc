import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../common/clock.js';
import { sortableId } from '../common/ids.js';
import { readKeyPair, tlsOptionsOf } from '../common/key-pair.js';
import { KeyPairRenewal } from '../common/key-pair-renewal.js';
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
  private readonly renewal: KeyPairRenewal | undefined;

  constructor(
    private readonly settings: LinkListenerSettings,
    private readonly take: UpgradeTaker,
    private readonly clock: Clock,
  ) {
    const { tls } = settings;
    this.renewal = tls && new KeyPairRenewal('the listener of links', tls, () => this.server, clock);
  }

  /** Undefined while it does not listen. */
  get address(): AddressInfo | undefined {
    return this.server?.address() as AddressInfo | undefined;
  }

  /** Rejects with the error of the socket, for instance a port that is taken, or of the files of its certificate. */
  async listen(): Promise<void> {
    const { host, port } = this.settings;
    this.server = await this.create();
    this.server.listen(port, host);
    await once(this.server, 'listening');
    await this.renewal?.begin();
  }

  async close(): Promise<void> {
    this.renewal?.end();
    if (!this.server?.listening) return;
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private async create(): Promise<Server> {
    const { tls } = this.settings;
    const options = {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_MS,
      connectionsCheckingInterval: CHECK_MS,
    };
    const server = tls
      ? createHttpsServer({ ...options, ...tlsOptionsOf(await readKeyPair(tls)) })
      : createHttpServer(options);
    server.on('request', (_request: IncomingMessage, response: ServerResponse) => this.refuse(response.socket));
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (!this.take(request, socket, head)) this.refuse(socket);
    });
    server.on('connection', (socket: Duplex) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
    return server;
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
