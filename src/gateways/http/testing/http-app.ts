import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DynamicModule, Global, Module, type Type } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import request from 'supertest';
import { Clock, SystemClock } from '../../../common/clock.js';
import { HeapUse } from '../../../common/heap-use.js';
import { Lifecycle } from '../../../common/lifecycle.js';
import { LoopLag } from '../../../common/loop-lag.js';
import { Metrics } from '../../../common/metrics.js';
import { Overload } from '../../../common/overload.js';
import { StallGuard } from '../../../common/stall-guard.js';
import { FakeHeap } from '../../../common/testing/fake-heap.js';
import { AuthModule, type Role, signAuthKey } from '../../../modules/auth/index.js';
import { ConnectionsSettings } from '../../../modules/connections/index.js';
import { InboxSettings, StoreHealth } from '../../../modules/inbox/index.js';
import { Heartbeat, ServerNode, ServerNodesSettings } from '../../../modules/nodes/index.js';
import { serverNodeAddress } from '../../../modules/nodes/testing/index.js';
import { PeerLinks, RoutingSettings } from '../../../modules/routing/index.js';
import { LocalNetwork } from '../../../modules/routing/testing/index.js';
import { ClientsService, SessionsModule, SessionsSettings } from '../../../modules/sessions/index.js';
import { EmbeddedStorageModule } from '../../../storage/embedded/index.js';
import { HttpGatewayModule } from '../http.module.js';
import { HttpSettings, PublicAddress } from '../http.settings.js';
import type { BatchResults, Result } from '../messages.schema.js';
import { ProblemFilter } from '../problem.filter.js';

const SECRET = 'a secret that is long enough for HS256';
const KIB = 1024;
const DAY_MS = 86_400_000;

export const HTTP_SETTINGS = {
  maxHeaderCount: 100,
  maxBodyBytes: 256 * KIB,
  maxMessagesBodyBytes: 4 * KIB * KIB,
  maxMessages: 1_000,
  maxFrameBytes: 64 * KIB,
  maxJsonDepth: 32,
  maxTopLevelKeys: 64,
  pageMessages: 200,
  pageMaxMessages: 1_000,
  pageBytes: 4 * KIB * KIB,
  callsPerSecond: 50,
  callsBurst: 500,
  ratePerSecond: 200,
  rateBurst: 1_000,
  deadlineMs: 5_000,
  storeLostMs: 30_000,
  retryMinMs: 1_000,
  retryMaxMs: 30_000,
  metricsAddress: undefined,
} satisfies HttpSettings;

const HEAP_USE = { heapNoSocketsFraction: 0.7, heapRetryLaterFraction: 0.85 };
const LOOP_LAG = { loopLagMs: 200, loopLagForMs: 5_000, pongLagMs: 1_000 };

const INBOX_SETTINGS = {
  maxMessages: 10_000,
  seatMaxMessages: 2_000,
  maxBytes: 64 * KIB * KIB,
  ageMs: 30 * DAY_MS,
  ackedKeepMs: DAY_MS,
  ackedKeepMessages: 1_000,
  dedupeMs: DAY_MS,
  tailTrustMs: 30_000,
  deadlineMs: 5_000,
  pollMs: 5_000,
  pollJitterMs: 0,
  windowMessages: 256,
  windowBytes: 512 * KIB,
} satisfies InboxSettings;

const ROUTING_SETTINGS: RoutingSettings = {
  presence: 'client',
  allowUnknownDestinations: false,
  failStopMs: 30_000,
  failStopMessages: 1_000,
};

const SESSIONS_SETTINGS = {
  clientMaxNodes: 100,
  sessionMaxMembers: 10_000,
  eventsMembers: 256,
  openEntryRecoveryMs: 5_000,
  aliasRandomBits: 128,
  membershipTrustMs: 1_000,
} satisfies SessionsSettings;

const LOCAL_ADDRESS = {
  baseUrl: 'http://localhost:8080',
  host: 'localhost',
  port: 8080,
  tls: false,
  proxyHost: undefined,
  origins: ['https://app.example.com'],
} satisfies PublicAddress;

/** A store that can be told to be full. */
export class SwitchableHealth extends StoreHealth {
  override problem: () => string | undefined = () => undefined;
  override slowness: () => string | undefined = () => undefined;
  override silentMs: () => number = () => 0;

  onFatal(): void {}
}

export interface HttpAppOptions {
  readonly http?: Partial<HttpSettings>;
  readonly inbox?: Partial<InboxSettings>;
  readonly sessions?: Partial<SessionsSettings>;
  readonly address?: Partial<PublicAddress>;
  readonly clock?: Clock;
  readonly heap?: FakeHeap;
  readonly controllers?: Type[];
  /** As an application that has body parsers of its own. */
  readonly ownParsers?: boolean;
  /** Stays in the phase `starting`. */
  readonly starting?: boolean;
}

@Global()
@Module({})
class Surroundings {
  static with({
    http,
    inbox,
    sessions,
    address,
    heap: fakeHeap = new FakeHeap(),
    clock = new SystemClock(),
  }: HttpAppOptions): DynamicModule {
    const lag = new LoopLag(clock, LOOP_LAG);
    const heap = new HeapUse(clock, HEAP_USE, fakeHeap);
    const providers = [
      { provide: Clock, useValue: clock },
      { provide: StallGuard, useValue: new StallGuard(clock, 5_000, 30_000) },
      { provide: LoopLag, useValue: lag },
      { provide: HeapUse, useValue: heap },
      { provide: Overload, useValue: new Overload(lag, heap) },
      { provide: Lifecycle, useValue: new Lifecycle() },
      { provide: Metrics, useValue: new Metrics() },
      { provide: PeerLinks, useValue: new LocalNetwork().join('~s') },
      { provide: HttpSettings, useValue: { ...HTTP_SETTINGS, ...http } },
      { provide: InboxSettings, useValue: { ...INBOX_SETTINGS, ...inbox } },
      { provide: RoutingSettings, useValue: ROUTING_SETTINGS },
      { provide: SessionsSettings, useValue: { ...SESSIONS_SETTINGS, ...sessions } },
      { provide: ServerNodesSettings, useValue: { heartbeatMs: 3_000, staleMs: 9_000 } },
      { provide: ConnectionsSettings, useValue: { perNode: 10 } },
      { provide: PublicAddress, useValue: { ...LOCAL_ADDRESS, ...address } },
    ];
    return { module: Surroundings, providers, exports: providers.map(({ provide }) => provide) };
  }
}

/** The HTTP edge over the real modules and an embedded store in a folder of its own. */
export class HttpApp {
  private readonly keys = new Map<string, Promise<string>>();

  private constructor(
    readonly app: NestExpressApplication,
    readonly health: SwitchableHealth,
    private readonly folder: string,
  ) {}

  static async start(options: HttpAppOptions = {}): Promise<HttpApp> {
    const folder = await mkdtemp(join(tmpdir(), 'allspark-http-'));
    const health = new SwitchableHealth();
    const testing = await Test.createTestingModule({
      imports: [
        Surroundings.with(options),
        EmbeddedStorageModule.forRoot({ dataDir: folder, minFreeBytes: 0 }),
        AuthModule.forRoot({ secret: SECRET }, { imports: [SessionsModule], callerSeen: ClientsService }),
        HttpGatewayModule,
      ],
      controllers: options.controllers ?? [],
    })
      .overrideProvider(StoreHealth)
      .useValue(health)
      .compile();
    const app = testing.createNestApplication<NestExpressApplication>({
      ...(options.ownParsers === true ? { rawBody: true } : { bodyParser: false }),
      logger: false,
    });
    app.useGlobalFilters(app.get(ProblemFilter, { strict: false }));
    await app.listen(0, '127.0.0.1');
    const started = new HttpApp(app, health, folder);
    if (!options.starting) await started.becomeReady();
    return started;
  }

  get port(): number {
    return (this.app.getHttpServer().address() as AddressInfo).port;
  }

  get<T>(token: abstract new (...args: never[]) => T): T {
    return this.app.get<T>(token, { strict: false });
  }

  async becomeReady(): Promise<void> {
    const { baseUrl, host, port, proxyHost = null } = this.get(PublicAddress);
    await this.get(ServerNode).claim(serverNodeAddress({ address: `${host}:${port}`, baseUrl, proxyHost }));
    this.get(Lifecycle).becomeReady();
    await this.get(Heartbeat).start();
  }

  /** One call and its answer. */
  async call(method: Method, path: string, { by, body, type, headers = {} }: Call = {}): Promise<request.Response> {
    const call = request(this.app.getHttpServer())[method](path).set(headers);
    if (by !== undefined) call.set('Authorization', `Bearer ${await this.keyOf(by)}`);
    if (body === undefined) return await call;
    // As it is: the client would write bytes as JSON.
    call.serialize((given: unknown) => given as string);
    return await call.set('Content-Type', type ?? 'application/json').send(body);
  }

  /** The same each time: with a key of a later second the server would have something to write down first. */
  private keyOf(who: Who): Promise<string> {
    const name = JSON.stringify(who);
    const key = this.keys.get(name) ?? keyOf(who);
    this.keys.set(name, key);
    return key;
  }

  /** Sends messages, each given as its text, and answers the results. */
  async send(by: Who, ...texts: string[]): Promise<Result[]> {
    const answer = await this.call('post', '/v1/messages', { by, body: `{"messages":[${texts.join(',')}]}` });
    if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
    return (answer.body as BatchResults).results;
  }

  async close(): Promise<void> {
    this.get(LoopLag).stop();
    this.get(HeapUse).stop();
    this.get(StallGuard).stop();
    await this.app.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export type Method = 'get' | 'post' | 'put' | 'head' | 'options' | 'delete';

export interface Call {
  /** In the name of this node, with a valid key. */
  readonly by?: Who;
  /** As it goes over the wire. */
  readonly body?: string | Buffer;
  /** Content type of the body; default: JSON. */
  readonly type?: string;
  readonly headers?: Record<string, string>;
}

export interface Who {
  readonly sub: string;
  readonly clientId?: string;
  readonly role?: Role;
}

export function keyOf({ sub, clientId, role }: Who): Promise<string> {
  return signAuthKey({ sub, clientId, role, alg: 'HS256', secret: SECRET });
}

/** Lets an object have other methods for as long as the work takes. */
export async function during<T extends object, R>(target: T, methods: Partial<T>, work: () => Promise<R>): Promise<R> {
  Object.assign(target, methods);
  try {
    return await work();
  } finally {
    // Its own methods stand in its class and show again.
    for (const name of Object.keys(methods)) Reflect.deleteProperty(target, name);
  }
}
