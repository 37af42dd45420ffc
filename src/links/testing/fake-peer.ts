import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { LinkTokens, type LinkClaims, type LinkTerms } from '../link-tokens.js';
import type { PeerAddress } from '../peer-addresses.js';
import { LINK_SECRET } from './link-scene.js';

export const TERMS: LinkTerms = { version: 1, maxBytes: 16 * 1024 * 1024 };

/** Both sides of a link by hand, for what no server node of ours would do. */
export const tokens = new LinkTokens(LINK_SECRET);

export function helloOf(claims: LinkClaims, changes: Partial<LinkTerms & { proof: string }> = {}): string {
  const terms = { ...TERMS, ...changes };
  return JSON.stringify({ ...terms, proof: tokens.proof(claims, terms), ...changes });
}

/** An acceptor that does what a test wants with each link. */
export class FakeAcceptor {
  /** Links in the order in which they came. */
  readonly links: Array<{ readonly socket: WebSocket; readonly claims: LinkClaims }> = [];
  readonly texts: string[] = [];
  private waiting: Array<() => void> = [];

  private constructor(private readonly server: WebSocketServer) {}

  /** `greet`: what is done as soon as a link came. */
  static async start(
    greet: (socket: WebSocket, claims: LinkClaims) => void,
    options: ServerOptions = {},
  ): Promise<FakeAcceptor> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false, ...options });
    const fake = new FakeAcceptor(server);
    server.on('connection', (socket, request) => {
      const claims = tokens.read(request.headers.authorization?.slice('Bearer '.length) ?? '') as LinkClaims;
      socket.on('error', () => {});
      socket.on('message', (data: Buffer) => {
        fake.texts.push(data.toString());
        fake.look();
      });
      fake.links.push({ socket, claims });
      greet(socket, claims);
      fake.look();
    });
    await once(server, 'listening');
    return fake;
  }

  get address(): PeerAddress {
    return { internalUrl: `ws://127.0.0.1:${(this.server.address() as AddressInfo).port}`, bootId: 'fake boot' };
  }

  /** Resolves when it holds; looked at when a link or a message comes. */
  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => {
      const look = (): void => {
        if (holds()) resolve();
        else this.waiting.push(look);
      };
      this.waiting.push(look);
    });
  }

  async close(): Promise<void> {
    for (const { socket } of this.links) socket.terminate();
    const closed = once(this.server, 'close');
    this.server.close();
    await closed;
  }

  private look(): void {
    const due = this.waiting;
    this.waiting = [];
    for (const look of due) look();
  }
}
