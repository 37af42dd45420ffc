import type { HeapLimits } from './common/heap-use.js';
import type { LoopLagLimits } from './common/loop-lag.js';
import type { Config } from './config/load-config.js';
import { allowedOrigins, ownBaseUrl, slices } from './config/slices.js';
import type { HttpSettings, PublicAddress } from './gateways/http/index.js';
import type { NativeSettings } from './gateways/native/index.js';
import type { LinksSettings } from './links/index.js';
import type { AuthOptions } from './modules/auth/index.js';
import type { ConnectionsSettings } from './modules/connections/index.js';
import type { InboxSettings } from './modules/inbox/index.js';
import type { ServerNodeAddress, ServerNodesSettings } from './modules/nodes/index.js';
import type { RoutingSettings } from './modules/routing/index.js';
import type { SessionsSettings } from './modules/sessions/index.js';
import type { EmbeddedOptions } from './storage/embedded/index.js';
import type { MongoOptions } from './storage/mongo/index.js';

/** A transient message of one that left reaches others no longer than this after its leave was answered. */
const MEMBERSHIP_TRUST_MS = 1_000;

/** Where the process listens: the port is known only once it does. */
export class BoundAddress implements PublicAddress {
  private bound = 0;

  constructor(private readonly config: Config) {}

  bind(port: number): void {
    this.bound = port;
  }

  get port(): number {
    return this.bound;
  }

  get host(): string {
    return this.listen.hostAddress;
  }

  get tls(): boolean {
    return new URL(this.baseUrl).protocol === 'https:';
  }

  get baseUrl(): string {
    return ownBaseUrl(this.listen, this.bound);
  }

  get proxyHost(): string | undefined {
    return this.listen.proxyHost;
  }

  get origins(): readonly string[] {
    return allowedOrigins(this.listen, this.bound);
  }

  /** What the other server nodes are told. */
  serverNode(): ServerNodeAddress {
    const { internal, tls } = this.listen;
    const place = placeOf(this, slices.connections(this.config.settings).capacity);
    const inside = internal ? hostPort(internal.host, internal.port) : place.address;
    return { ...place, internalUrl: `${tls ? 'wss' : 'ws'}://${inside}` };
  }

  /** Whether it takes its address over without asking who is there. */
  get force(): boolean {
    return slices.connections(this.config.settings).force;
  }

  private get listen(): ReturnType<typeof slices.listen> {
    return slices.listen(this.config.settings);
  }
}

/** The place of a server node that is reached there, from outside and by the others alike. */
export function placeOf({ host, port, baseUrl, tls, proxyHost }: PublicAddress, capacity: number): ServerNodeAddress {
  const address = hostPort(host, port);
  return {
    address,
    baseUrl,
    proxyHost: proxyHost ?? null,
    internalUrl: `${tls ? 'wss' : 'ws'}://${address}`,
    capacity,
  };
}

function hostPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** What server nodes know each other by. */
export interface LinkKeys extends Pick<LinksSettings, 'secret'> {
  /** PEM of the authorities that other server nodes' certificates are judged by. */
  readonly ca?: string;
}

/** Each module declares what it wants to be told; here the configuration is cut to these shapes, and nowhere else. */
export function connectionsSettings({ settings }: Config): ConnectionsSettings {
  return { perNode: slices.connections(settings).perNode };
}

export function serverNodesSettings({ settings }: Config): ServerNodesSettings {
  const { heartbeatMs, staleMs } = slices.connections(settings);
  return { heartbeatMs, staleMs };
}

export function loopLagLimits({ settings }: Config): LoopLagLimits {
  return { ...slices.health(settings), pongLagMs: slices.socket(settings).pongLagMs };
}

export function heapLimits({ settings }: Config): HeapLimits {
  return slices.health(settings);
}

export function inboxSettings({ settings }: Config): InboxSettings {
  const inbox = slices.inbox(settings);
  const routing = slices.routing(settings);
  return {
    ...inbox,
    dedupeMs: inbox.dedupeWindowMs,
    deadlineMs: inbox.storeDeadlineMs,
    pollMs: routing.pollIntervalMs,
    pollJitterMs: routing.pollJitterMs,
    windowMessages: routing.windowMessages,
    windowBytes: routing.windowBytes,
  };
}

export function routingSettings({ settings }: Config): RoutingSettings {
  return slices.routing(settings);
}

export function sessionsSettings({ settings }: Config): SessionsSettings {
  return { ...slices.sessions(settings), membershipTrustMs: MEMBERSHIP_TRUST_MS };
}

export function nativeSettings({ settings }: Config, address: BoundAddress): NativeSettings {
  const { readinessMs, spreadMs, totalMs } = slices.drain(settings);
  return {
    ...slices.socket(settings),
    allowedOrigins: () => address.origins,
    direct: slices.auth(settings).direct,
    clockLeewayMs: slices.auth(settings).clockLeewayMs,
    maxHeaderCount: slices.http(settings).maxHeaderCount,
    capacity: slices.connections(settings).capacity,
    pageMaxMessages: slices.http(settings).pageMaxMessages,
    drainReadinessMs: readinessMs,
    drainSpreadMs: spreadMs,
    drainTotalMs: totalMs,
    storeLostMs: slices.store(settings).lostMs,
  };
}

export function httpSettings({ settings }: Config): HttpSettings {
  const http = slices.http(settings);
  const listen = slices.listen(settings);
  return {
    ...http,
    maxBodyBytes: http.bodyBytes,
    maxMessagesBodyBytes: http.messagesBodyBytes,
    maxMessages: http.messagesPerCall,
    deadlineMs: slices.store(settings).deadlineMs,
    metricsAddress: listen.metrics,
    ...(listen.tls && { tlsFiles: listen.tls }),
    storeLostMs: slices.store(settings).lostMs,
    retryMinMs: slices.socket(settings).handshakeRetryMinMs,
    retryMaxMs: slices.socket(settings).handshakeRetryMaxMs,
  };
}

export function embeddedOptions({ settings }: Config): EmbeddedOptions {
  const store = slices.store(settings);
  return {
    dataDir: store.dataDir,
    deadlineMs: store.deadlineMs,
    commitRows: store.commitRows,
    minFreeBytes: store.diskFreeBytes,
    minFreePercent: store.diskFreeFraction * 100,
  };
}

/** The authorities are read before; nothing is read here. */
export function linksSettings({ settings }: Config, { secret, ca }: LinkKeys): LinksSettings {
  const { pingIntervalMs, deadMs, reconnectMinMs, reconnectMaxMs, waitingBytes } = slices.links(settings);
  const { internal, tls } = slices.listen(settings);
  const listener = internal && { ...internal, ...(tls && { tls }) };
  return { secret, ca, listener, pingIntervalMs, deadMs, reconnectMinMs, reconnectMaxMs, waitingBytes };
}

/** Undefined: the store is the embedded one. */
export function mongoOptions({ settings }: Config): MongoOptions | undefined {
  const { mongodbUri, mongodb } = slices.store(settings);
  return mongodbUri && { uri: mongodbUri.reveal(), ...mongodb };
}

/** `keySet` and a secret that was made on the first start are read before; nothing is read here. */
export function authOptions(
  { settings }: Config,
  made: Pick<AuthOptions, 'secret' | 'keySet' | 'readKeySet'>,
): AuthOptions {
  const auth = slices.auth(settings);
  return {
    secret: auth.secret?.reveal(),
    publicKey: auth.publicKey,
    jwksUri: auth.jwksUri,
    issuer: auth.issuer,
    leewayMs: auth.clockLeewayMs,
    maxLifetimeMs: auth.authKeyMaxMs,
    validationKeyMs: auth.validationKeyMs,
    failuresPerSecond: auth.failuresPerSecond,
    failuresBurst: auth.failuresBurst,
    trustedProxies: slices.listen(settings).trustedProxies,
    ...made,
  };
}
