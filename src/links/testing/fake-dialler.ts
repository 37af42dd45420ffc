import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { REASON_HEADER } from '../dial.js';
import type { LinkClaims } from '../link-tokens.js';
import { tokens } from './fake-peer.js';
import type { LinkNode } from './link-scene.js';

/** What an acceptor said to an upgrade. */
export interface Answer {
  readonly status: number;
  readonly reason: string | undefined;
  readonly body: string;
}

/** A link that is opened by hand, as it were by the server node `~sfake`. */
export class FakeDialler {
  private constructor(
    readonly socket: WebSocket,
    readonly claims: LinkClaims,
  ) {}

  static claimsFor(node: LinkNode, changes: Partial<LinkClaims> = {}): LinkClaims {
    const from = { serverNodeId: '~sfake', bootId: 'fake boot' };
    const to = node.peers.self ?? { serverNodeId: '', bootId: '' };
    return { ...tokens.claims(from, to, { lowest: 1, highest: 1 }), ...changes };
  }

  /** Resolves with the first message of the acceptor. */
  static async open(node: LinkNode, changes: Partial<LinkClaims> = {}): Promise<FakeDialler & { hello: string }> {
    const claims = FakeDialler.claimsFor(node, changes);
    const socket = dial(node, `Bearer ${tokens.sign(claims)}`);
    socket.on('error', () => {});
    const [data] = (await once(socket, 'message')) as [Buffer];
    return Object.assign(new FakeDialler(socket, claims), { hello: data.toString() });
  }

  /** Resolves with the refusal. */
  static async refused(node: LinkNode, authorization: string | undefined, path = '/link'): Promise<Answer> {
    const socket = dial(node, authorization, path);
    socket.on('error', () => {});
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    let body = '';
    for await (const part of response) body += String(part);
    return { status: response.statusCode ?? 0, reason: response.headers[REASON_HEADER] as string | undefined, body };
  }

  /** With which code the acceptor ends it. */
  async ended(): Promise<number> {
    const [code] = (await once(this.socket, 'close')) as [number];
    return code;
  }
}

function dial(node: LinkNode, authorization: string | undefined, path = '/link'): WebSocket {
  const headers = authorization === undefined ? {} : { authorization };
  return new WebSocket(`${node.address.internalUrl}${path}`, { headers, perMessageDeflate: false });
}
