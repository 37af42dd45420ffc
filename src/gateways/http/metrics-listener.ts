import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Metrics } from '../../common/metrics.js';
import { HttpSettings } from './http.settings.js';
import { METRICS_TYPE } from './metrics.controller.js';

/** Serves `/metrics` without a key on an address of its own, which only the operator's network should reach. */
@Injectable()
export class MetricsListener implements OnApplicationBootstrap, OnApplicationShutdown {
  private server: Server | undefined;

  constructor(
    private readonly settings: HttpSettings,
    private readonly metrics: Metrics,
  ) {}

  /** Where it listens; undefined when it is not configured. */
  get address(): AddressInfo | undefined {
    return this.server?.address() as AddressInfo | undefined;
  }

  async onApplicationBootstrap(): Promise<void> {
    const { metricsAddress } = this.settings;
    if (!metricsAddress) return;
    this.server = createServer((request, response) => void this.answer(request, response));
    this.server.listen(metricsAddress.port, metricsAddress.host);
    // Rejects with the error of the socket, for instance a port that is taken.
    await once(this.server, 'listening');
  }

  async onApplicationShutdown(): Promise<void> {
    if (!this.server?.listening) return;
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const wanted = request.method === 'GET' && request.url?.split('?', 1)[0] === '/metrics';
    if (!wanted) return void response.writeHead(404).end();
    const text = await this.metrics.text().catch(() => undefined);
    if (text === undefined) response.writeHead(503).end();
    else response.writeHead(200, { 'Content-Type': METRICS_TYPE }).end(text);
  }
}
