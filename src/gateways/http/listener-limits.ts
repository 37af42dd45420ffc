import { Server as TlsServer } from 'node:tls';
import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Metrics } from '../../common/metrics.js';
import { HttpSettings } from './http.settings.js';
import { LimitedExpressAdapter } from './limited-express-adapter.js';

const NO_LIMITS =
  'MAX_HEADER_BYTES and HEADERS_TIMEOUT_MS do not hold: the adapter of this application is not of httpAdapterOf';
const NO_TLS =
  'TLS_CERT_FILE is set, and the listener of this application is plain HTTP: unless PUBLIC_URL says otherwise, clients are ' +
  'told https and do not get in';

/** Counts what the listener refuses by itself, and says so when an application brought one that holds less. */
@Injectable()
export class ListenerLimits implements OnApplicationBootstrap {
  private readonly logger = new Logger('Listener');

  constructor(
    private readonly host: HttpAdapterHost,
    private readonly settings: HttpSettings,
    private readonly metrics: Metrics,
  ) {}

  onApplicationBootstrap(): void {
    const adapter: unknown = this.host.httpAdapter;
    if (adapter instanceof LimitedExpressAdapter) adapter.onLimit = (limit) => this.metrics.hit(limit);
    else this.logger.warn(NO_LIMITS);
    const isPlain = !(this.host.httpAdapter.getHttpServer() instanceof TlsServer);
    if (this.settings.tlsFiles && isPlain) this.logger.warn(NO_TLS);
  }
}
