import { createServer, type IncomingMessage, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { ExpressAdapter } from '@nestjs/platform-express';
import { sortableId } from '../../common/ids.js';
import type { LimitName } from '../../common/limit-names.js';
import { problemHeaders, problemOf, problemResponse, Refusal } from '../../protocol/index.js';
import { type KeyPair, tlsOptionsOf } from '../../common/key-pair.js';

export interface ServerLimits {
  /** All header lines of one request together, bytes. */
  readonly maxHeaderBytes: number;
  /** From the first byte, or from the connect, to the end of the headers, ms. */
  readonly headersTimeoutMs: number;
  readonly tls?: KeyPair;
}

/** A whole request, body included, has to be here after so long, ms. */
const REQUEST_MS = 60_000;

/** How often late requests are looked for, ms. */
const CHECK_MS = 1_000;

/** Express on a server that holds limits before a handler sees anything: sizes, counts and time-outs of headers. */
export class LimitedExpressAdapter extends ExpressAdapter {
  /** Told of each hit: the metrics are made only after this. */
  onLimit: (limit: LimitName) => void = () => {};
  private readonly latest = new WeakMap<Duplex, IncomingMessage>();

  constructor(private readonly limits: ServerLimits) {
    super();
  }

  override initHttpServer(): void {
    const { maxHeaderBytes, headersTimeoutMs, tls } = this.limits;
    const options: ServerOptions = {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: headersTimeoutMs,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: CHECK_MS,
    };
    const app = this.getInstance();
    this.httpServer = tls
      ? createTlsServer({ ...options, ...tlsOptionsOf(tls), handshakeTimeout: headersTimeoutMs }, app)
      : createServer(options, app);
    // Whoever sees them can tell that they were too many: one Node would keep the rest back, another refuse the request
    // as too big. Their bytes are bounded.
    this.httpServer.maxHeadersCount = 0;
    this.httpServer.on('request', (request: IncomingMessage) => this.latest.set(request.socket, request));
    this.httpServer.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
      this.count(error, socket);
      answerUnreadable(error, socket);
    });
    this.httpServer.on('checkExpectation', refuseExpectation);
    // Who does not get through the handshake of TLS could not read an answer, nor is there anything to tell in a log.
    this.httpServer.removeAllListeners('tlsClientError');
    this.httpServer.on('tlsClientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
      this.count(error, socket);
      socket.destroy();
    });
  }

  private count({ code }: NodeJS.ErrnoException, socket: Duplex): void {
    if (code === 'HPE_HEADER_OVERFLOW') this.onLimit('header_bytes');
    // A late body ends in the same error as a late header.
    const isBody = this.latest.get(socket)?.complete === false;
    if (code === 'ERR_HTTP_REQUEST_TIMEOUT' && !isBody) this.onLimit('headers_timeout');
    if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') this.onLimit('headers_timeout');
  }
}

/** What is no HTTP, is too big, or does not arrive in time never reaches a handler; it gets a problem all the same. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const tooBig = error.code === 'HPE_HEADER_OVERFLOW';
  const refusal = tooBig
    ? new Refusal('too_large', { reason: 'the header is too big' })
    : new Refusal('invalid_field', { reason: 'the request is malformed, or did not arrive in time' });
  socket.end(problemResponse(refusal, sortableId()));
}

function refuseExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const refusal = new Refusal('invalid_field', { field: 'expect', reason: 'only 100-continue is known' });
  const body = JSON.stringify(problemOf(refusal, sortableId()));
  response.writeHead(refusal.status, { ...problemHeaders(refusal), 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
