import { createServer, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { ExpressAdapter } from '@nestjs/platform-express';

export interface ServerLimits {
  /** All header lines of one request together, bytes. */
  readonly maxHeaderBytes: number;
  readonly maxHeaderCount: number;
  /** From the first byte, or from the connect, to the end of the headers, ms. */
  readonly headersTimeoutMs: number;
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** A whole request, body included, has to be here after so long, ms. */
const REQUEST_MS = 60_000;

/** How often late requests are looked for, ms. */
const CHECK_MS = 1_000;

/** Express on a server that holds limits before a handler sees anything: sizes, counts and time-outs of headers. */
export class LimitedExpressAdapter extends ExpressAdapter {
  constructor(private readonly limits: ServerLimits) {
    super();
  }

  override initHttpServer(): void {
    const { maxHeaderBytes, maxHeaderCount, headersTimeoutMs, tls } = this.limits;
    const options: ServerOptions = {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: headersTimeoutMs,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: CHECK_MS,
    };
    const app = this.getInstance();
    this.httpServer = tls ? createTlsServer({ ...options, ...tls }, app) : createServer(options, app);
    // One more than allowed is let in, so that whoever sees it can tell that it was too many.
    this.httpServer.maxHeadersCount = maxHeaderCount + 1;
  }
}
