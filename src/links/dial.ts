import { type ClientOptions, WebSocket } from 'ws';
import type { Clock, Timer } from '../common/clock.js';
import type { FaultReason } from './link-figures.js';
import type { LinkClaims, LinkTerms, LinkTokens } from './link-tokens.js';

/** Where a server node takes links. */
export const LINK_PATH = '/link';

/** How long it may take from the first packet to the acceptor's proof. */
const DIAL_MS = 5_000;
/** How long either end of a link may take to finish a close. */
export const CLOSE_MS = 2_000;
/** The acceptor says hello and nothing else. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** Of a refusal to one that proved itself: the reason, for it alone. */
export const REASON_HEADER = 'x-allspark-link';

export interface DialRequest {
  /** `ws(s)://host:port`. */
  readonly url: string;
  readonly ca: string | undefined;
  readonly claims: LinkClaims;
}

export interface DialOutcome {
  /** The peer proved itself: frames may follow. */
  opened(socket: WebSocket, terms: LinkTerms): void;
  /** Nothing came of it; `detail` is for the operator. */
  failed(reason: FaultReason, detail: string): void;
}

/** A link that is being opened. Ends in exactly one of the two outcomes, unless it is given up before. */
export class Dial {
  private readonly socket: WebSocket;
  private readonly limit: Timer;
  private done = false;

  constructor(
    private readonly request: DialRequest,
    private readonly tokens: LinkTokens,
    clock: Clock,
    private readonly outcome: DialOutcome,
  ) {
    this.socket = this.connect();
    this.limit = clock.after(DIAL_MS, () => this.fail('timeout', `no answer within ${DIAL_MS} ms`));
  }

  giveUp(): void {
    this.end();
    this.socket.terminate();
  }

  private connect(): WebSocket {
    const { url, ca, claims } = this.request;
    const options: ClientOptions & { closeTimeout: number } = {
      headers: { authorization: `Bearer ${this.tokens.sign(claims)}` },
      ...(ca !== undefined && { ca }),
      perMessageDeflate: false,
      maxPayload: MAX_ANSWER_BYTES,
      followRedirects: false,
      closeTimeout: CLOSE_MS,
    };
    const socket = new WebSocket(`${url}${LINK_PATH}`, options);
    socket.on('error', (error) => this.fail('refused', error.message));
    socket.on('close', (code) => this.fail('refused', `closed with ${code} before its hello`));
    socket.on('unexpected-response', (request, response) => {
      request.destroy();
      const reason = response.headers[REASON_HEADER];
      const detail = reason ?? 'it knows no links, or another secret';
      const isOther = reason === 'wrong_server_node';
      this.fail(isOther ? reason : 'refused', `HTTP ${response.statusCode}: ${String(detail)}`);
    });
    socket.once('message', (data: Buffer) => this.hello(data.toString()));
    return socket;
  }

  private hello(text: string): void {
    if (this.done) return;
    const hello = termsOf(text);
    const { claims } = this.request;
    if (!hello || !this.tokens.isProof(hello.proof, claims, hello))
      return this.fail('unproven', 'not one of this cluster');
    const { lowest, highest } = claims.versions;
    if (hello.version < lowest || hello.version > highest)
      return this.fail('no_common_version', 'a version of its own');
    this.end();
    this.outcome.opened(this.socket, hello);
  }

  private fail(reason: FaultReason, detail: string): void {
    if (this.done) return;
    this.giveUp();
    this.outcome.failed(reason, detail);
  }

  private end(): void {
    this.done = true;
    this.limit.cancel();
  }
}

function termsOf(text: string): (LinkTerms & { readonly proof: string }) | undefined {
  try {
    const { version, maxBytes, proof } = (JSON.parse(text) ?? {}) as Record<string, unknown>;
    if (!Number.isSafeInteger(version) || !Number.isSafeInteger(maxBytes) || typeof proof !== 'string')
      return undefined;
    return { version: version as number, maxBytes: maxBytes as number, proof };
  } catch {
    return undefined;
  }
}
