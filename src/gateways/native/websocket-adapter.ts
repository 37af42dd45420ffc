import type { Server } from 'node:http';
import type { INestApplication, INestApplicationContext, WsMessageHandler } from '@nestjs/common';
import { NestApplicationContext } from '@nestjs/core';
import { AbstractWsAdapter } from '@nestjs/websockets';
import type { Observable } from 'rxjs';
import { WebSocketServer } from 'ws';
import { Clock } from '../../common/clock.js';
import { LoopLag } from '../../common/loop-lag.js';
import { Metrics } from '../../common/metrics.js';
import { UpgradeClaims } from '../../common/upgrade-claims.js';
import { CLOSE } from '../../protocol/index.js';
import { Admission } from './admission.js';
import { EdgeSocket } from './edge-socket.js';
import { EventDispatch } from './event-dispatch.js';
import { ANY_FRAME, type GatewayOptions } from './gateway-options.js';
import { NativeSettings } from './native.settings.js';
import { type EdgeServer, UpgradeListener } from './upgrade-listener.js';

const TWO_COPIES =
  'There are two copies of @nestjs/core: the application and allspark have to share one. See npm ls @nestjs/core';

/** How long a peer may take to finish a close. */
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Lets gateways be ordinary. Theirs are the paths that they name; all other upgrades are left alone. It decides who gets
 * in before the 101, hands frames on one after the other, and never keeps a client waiting for an answer that will not
 * come. A gateway that subscribes to `ANY_FRAME` gets the text of each frame, any other the usual `{event, data}`.
 */
export class WebSocketAdapter extends AbstractWsAdapter {
  private readonly upgrades: UpgradeListener;
  private readonly settings: NativeSettings;
  private readonly clock: Clock;
  private readonly lag: LoopLag;
  private readonly metrics: Metrics;
  private readonly events = new WeakMap<EdgeSocket, EventDispatch>();
  private readonly clients = new Map<EdgeServer, Set<EdgeSocket>>();

  constructor(app: INestApplicationContext) {
    super(app);
    const admission = app.get(Admission, { strict: false });
    this.settings = app.get(NativeSettings, { strict: false });
    this.clock = app.get(Clock, { strict: false });
    this.metrics = app.get(Metrics, { strict: false });
    const { maxHeaderCount } = this.settings;
    const http = this.httpServer as Server;
    const claims = app.get(UpgradeClaims, { strict: false });
    this.upgrades = new UpgradeListener(http, admission, this.metrics, maxHeaderCount, this.clock, claims);
    this.lag = app.get(LoopLag, { strict: false });
  }

  create(port: number, options: GatewayOptions = {}): EdgeServer {
    const { path = '/', admission = 'open', ...passedOn } = options;
    if (port !== 0) throw new Error(`The gateway of ${path} names a port of its own; gateways share the port of HTTP`);
    const server: EdgeServer = new WebSocketServer<typeof EdgeSocket>({
      ...this.limits(),
      ...passedOn,
      ...this.fixed(),
    });
    const clients = new Set<EdgeSocket>();
    this.clients.set(server, clients);
    server.on('connection', (client: EdgeSocket) => {
      clients.add(client);
      client.once('close', () => clients.delete(client));
    });
    this.upgrades.add({ path, server, keyed: admission === 'key' });
    return server;
  }

  override bindClientDisconnect(client: EdgeSocket, callback: (code: number) => void): void {
    client.once('close', callback);
  }

  bindMessageHandlers(
    client: EdgeSocket,
    handlers: WsMessageHandler[],
    transform: (result: unknown) => Observable<unknown>,
  ): void {
    const whole = handlers.find(({ message }) => message === ANY_FRAME);
    if (whole) client.onFrame = (frame) => whole.callback(frame) as Promise<unknown>;
    else if (!client.onFrame) this.eventsOf(client).add(handlers, transform);
  }

  /** Whoever is still connected is told to come back. Drained ones are gone by now. */
  override async close(server: EdgeServer): Promise<void> {
    const clients = [...(this.clients.get(server) ?? [])];
    const closed = clients.map((client) => new Promise<void>((resolve) => void client.once('close', () => resolve())));
    for (const client of clients) client.close(CLOSE.restart);
    const timer = this.clock.after(CLOSE_TIMEOUT_MS, () => clients.forEach((client) => client.terminate()));
    await Promise.all(closed);
    timer.cancel();
    this.clients.delete(server);
  }

  override async dispose(): Promise<void> {
    this.upgrades.dispose();
  }

  private eventsOf(client: EdgeSocket): EventDispatch {
    const present = this.events.get(client);
    if (present) return present;
    const events = new EventDispatch(client, this.settings, this.clock, this.lag, this.metrics);
    this.events.set(client, events);
    return events;
  }

  /** No subprotocol is chosen unless a gateway does: a name that is sent may be a token. */
  private limits(): object {
    const { maxFrameBytes, maxFragments, maxPendingPongs } = this.settings;
    return {
      maxPayload: maxFrameBytes,
      maxFragments,
      maxPendingAutoPongs: maxPendingPongs,
      handleProtocols: () => false,
    };
  }

  /** No compression: it costs memory without bound. */
  private fixed(): object {
    return {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      autoPong: true,
      closeTimeout: CLOSE_TIMEOUT_MS,
      WebSocket: EdgeSocket,
    };
  }
}

/** The one line that an application needs, before it is initialised. */
export function useNativeWebsockets(app: INestApplication): void {
  // Classes are the tokens: with two copies nothing of one is found in the other, and nobody would understand why.
  if (!(app instanceof NestApplicationContext)) throw new Error(TWO_COPIES);
  app.useWebSocketAdapter(new WebSocketAdapter(app));
}
