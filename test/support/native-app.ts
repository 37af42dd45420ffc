import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DynamicModule, Global, type INestApplication, Module, type ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Clock, SystemClock } from '../../src/common/clock.js';
import { HeapUse } from '../../src/common/heap-use.js';
import { Lifecycle } from '../../src/common/lifecycle.js';
import { LoopLag } from '../../src/common/loop-lag.js';
import { Metrics } from '../../src/common/metrics.js';
import { Overload } from '../../src/common/overload.js';
import { StallGuard } from '../../src/common/stall-guard.js';
import { FakeHeap } from '../../src/common/testing/fake-heap.js';
import { UpgradeClaims } from '../../src/common/upgrade-claims.js';
import { AuthModule, type AuthOptions, type Role, signAuthKey } from '../../src/modules/auth/index.js';
import { ConnectionsSettings } from '../../src/modules/connections/index.js';
import { InboxSettings } from '../../src/modules/inbox/index.js';
import { ServerNode, ServerNodesSettings } from '../../src/modules/nodes/index.js';
import { serverNodeAddress } from '../../src/modules/nodes/testing/index.js';
import { PeerLinks, RoutingSettings } from '../../src/modules/routing/index.js';
import { LocalNetwork } from '../../src/modules/routing/testing/index.js';
import { ClientsService, SessionsModule, SessionsSettings } from '../../src/modules/sessions/index.js';
import { EmbeddedStorageModule } from '../../src/storage/embedded/index.js';
import { NativeGatewayModule } from '../../src/gateways/native/native.module.js';
import { NativeSettings } from '../../src/gateways/native/native.settings.js';
import { useNativeWebsockets } from '../../src/gateways/native/websocket-adapter.js';

const SECRET = 'a secret that is long enough for HS256';
const KIB = 1024;
const DAY_MS = 86_400_000;

export const NATIVE_SETTINGS = {
  allowedOrigins: (): readonly string[] => ['https://app.example.com'],
  direct: true,
  clockLeewayMs: 60_000,
  maxHeaderCount: 100,
  capacity: 20_000,
  perAddress: 1_000,
  handshakesPerSecond: 500,
  handshakesPending: 1_000,
  handshakeRetryMinMs: 1_000,
  handshakeRetryMaxMs: 30_000,
  unauthenticatedTimeoutMs: 5_000,
  maxFrameBytes: 64 * KIB,
  maxJsonDepth: 32,
  maxTopLevelKeys: 64,
  maxFragments: 64,
  maxPendingPongs: 16,
  inboundFrames: 64,
  inboundBytes: 256 * KIB,
  ratePerSecond: 200,
  rateBurst: 1_000,
  ratePauseMs: 5_000,
  rateAbuseFactor: 4,
  rateAbuseMs: 10_000,
  outboundPauseBytes: 256 * KIB,
  outboundCloseBytes: KIB * KIB,
  outboundStuckMs: 10_000,
  outboundTotalFraction: 0.25,
  windowMessages: 256,
  windowBytes: 512 * KIB,
  pageMaxMessages: 1_000,
  pageBytes: 256 * KIB,
  pingIntervalMs: 25_000,
  pingJitterFraction: 0.1,
  pongTimeoutMs: 10_000,
  drainReadinessMs: 0,
  drainSpreadMs: 0,
  drainTotalMs: 25_000,
  storeLostMs: 30_000,
} satisfies NativeSettings;

const HEAP_USE = { heapNoSocketsFraction: 0.7, heapRetryLaterFraction: 0.85 };
const LOOP_LAG = { loopLagMs: 200, loopLagForMs: 5_000, pongLagMs: 1_000 };

const INBOX_SETTINGS: InboxSettings = {
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
};

const ROUTING_SETTINGS: RoutingSettings = {
  presence: 'all',
  allowUnknownDestinations: true,
  failStopMs: 30_000,
  failStopMessages: 1_000,
};

const SESSIONS_SETTINGS: SessionsSettings = {
  clientMaxNodes: 100,
  sessionMaxMembers: 10_000,
  eventsMembers: 256,
  openEntryRecoveryMs: 5_000,
  aliasRandomBits: 128,
  membershipTrustMs: 1_000,
};

export interface NativeAppOptions {
  readonly auth?: Omit<AuthOptions, 'secret'>;
  readonly native?: Partial<NativeSettings>;
  readonly perNode?: number;
  readonly clock?: Clock;
  readonly heap?: FakeHeap;
  /** Stays in the phase `starting`. */
  readonly starting?: boolean;
  /** Modules of another team, with gateways of their own. */
  readonly imports?: ModuleMetadata['imports'];
  /** Before the application is initialised. */
  readonly prepare?: (app: INestApplication) => void;
}

@Global()
@Module({})
class Surroundings {
  static with({
    native,
    perNode = 10,
    heap: fakeHeap = new FakeHeap(),
    clock = new SystemClock(),
  }: NativeAppOptions): DynamicModule {
    const lag = new LoopLag(clock, LOOP_LAG);
    const heap = new HeapUse(clock, HEAP_USE, fakeHeap);
    const providers = [
      { provide: Clock, useValue: clock },
      { provide: StallGuard, useValue: new StallGuard(clock, 5_000, 30_000) },
      { provide: LoopLag, useValue: lag },
      { provide: HeapUse, useValue: heap },
      { provide: Overload, useValue: new Overload(lag, heap) },
      { provide: Lifecycle, useValue: new Lifecycle() },
      { provide: UpgradeClaims, useValue: new UpgradeClaims() },
      { provide: Metrics, useValue: new Metrics() },
      { provide: PeerLinks, useValue: new LocalNetwork().join('~s') },
      { provide: NativeSettings, useValue: { ...NATIVE_SETTINGS, ...native } },
      { provide: InboxSettings, useValue: INBOX_SETTINGS },
      { provide: RoutingSettings, useValue: ROUTING_SETTINGS },
      { provide: SessionsSettings, useValue: SESSIONS_SETTINGS },
      { provide: ServerNodesSettings, useValue: { heartbeatMs: 3_000, staleMs: 9_000 } },
      { provide: ConnectionsSettings, useValue: { perNode } },
    ];
    return { module: Surroundings, providers, exports: providers.map(({ provide }) => provide) };
  }
}

export interface Who {
  readonly sub: string;
  readonly clientId?: string;
  readonly role?: Role;
  readonly ttlSeconds?: number;
}

export function keyOf({ sub, clientId, role, ...rest }: Who): Promise<string> {
  return signAuthKey({ sub, clientId, role, alg: 'HS256', secret: SECRET, ...rest });
}

/** The websocket edge over the real modules and an embedded store in a folder of its own. */
export class NativeApp {
  private constructor(
    readonly app: INestApplication,
    private readonly folder: string,
  ) {}

  static async start(options: NativeAppOptions = {}): Promise<NativeApp> {
    const folder = await mkdtemp(join(tmpdir(), 'allspark-native-'));
    const testing = await Test.createTestingModule({
      imports: [
        Surroundings.with(options),
        EmbeddedStorageModule.forRoot({ dataDir: folder, minFreeBytes: 0 }),
        AuthModule.forRoot(
          { secret: SECRET, ...options.auth },
          { imports: [SessionsModule], callerSeen: ClientsService },
        ),
        NativeGatewayModule,
        ...(options.imports ?? []),
      ],
    }).compile();
    const app = testing.createNestApplication({ logger: false });
    useNativeWebsockets(app);
    options.prepare?.(app);
    await app.listen(0, '127.0.0.1');
    const started = new NativeApp(app, folder);
    await started.get(ServerNode).claim(serverNodeAddress({ address: `127.0.0.1:${started.port}` }));
    if (!options.starting) started.get(Lifecycle).becomeReady();
    return started;
  }

  get port(): number {
    return (this.app.getHttpServer().address() as AddressInfo).port;
  }

  get<T>(token: abstract new (...args: never[]) => T): T {
    return this.app.get<T>(token, { strict: false });
  }

  async close(): Promise<void> {
    this.get(LoopLag).stop();
    this.get(HeapUse).stop();
    this.get(StallGuard).stop();
    await this.app.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
