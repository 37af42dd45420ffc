import {
  type DynamicModule,
  type MiddlewareConsumer,
  Module,
  type NestModule,
  RequestMethod,
  type Type,
} from '@nestjs/common';
import { GUARDS_METADATA } from '@nestjs/common/internal';
import { type AsyncSettings, type Given, withSettings } from '../../common/with-settings.js';
import { BearerGuard } from '../../modules/auth/index.js';
import { ConnectionsModule } from '../../modules/connections/index.js';
import { InboxModule } from '../../modules/inbox/index.js';
import { NodesModule } from '../../modules/nodes/index.js';
import { RoutingModule } from '../../modules/routing/index.js';
import { SessionsModule } from '../../modules/sessions/index.js';
import { ApiDocuments } from './api-documents.js';
import { CertificateRenewal } from './certificate-renewal.js';
import { ClientsController } from './clients.controller.js';
import { ConnectionsController } from './connections.controller.js';
import { ConnectController } from './connect.controller.js';
import { DocsController } from './docs.controller.js';
import { EdgeMiddleware } from './edge.middleware.js';
import { Figures } from './figures.js';
import { HealthController } from './health.controller.js';
import { HttpGatewayOptions, HttpSettings, PublicAddress } from './http.settings.js';
import { InboxCalls } from './inbox-calls.js';
import { InboxController } from './inbox.controller.js';
import { ListenerLimits } from './listener-limits.js';
import { MessageBatches } from './message-batches.js';
import { MessagesController } from './messages.controller.js';
import { MetricsListener } from './metrics-listener.js';
import { MetricsController } from './metrics.controller.js';
import { NodeRates } from './node-rates.js';
import { NodeViews } from './node-views.js';
import { NodesController } from './nodes.controller.js';
import { PreConnections } from './pre-connections.js';
import { PreConnectionsController } from './pre-connections.controller.js';
import { ProblemFilter } from './problem.filter.js';
import { Readiness } from './readiness.js';
import { RevocationsController } from './revocations.controller.js';
import { RouteList } from './route-list.js';
import { SessionCalls } from './session-calls.js';
import { SessionsController } from './sessions.controller.js';

const CONTROLLERS: Type[] = [
  PreConnectionsController,
  MessagesController,
  InboxController,
  SessionsController,
  ClientsController,
  NodesController,
  ConnectionsController,
  RevocationsController,
  ConnectController,
  HealthController,
  MetricsController,
  DocsController,
];

/** Our paths, for the `exclude` of an application that has a global prefix: they stand in a contract with clients. */
export const ALLSPARK_ROUTES = [
  'v1/*path',
  'connect',
  'livez',
  'readyz',
  'metrics',
  'docs',
  'docs/*path',
  'openapi.json',
];

function isGuarded(controller: Type): boolean {
  const guards = (Reflect.getMetadata(GUARDS_METADATA, controller) ?? []) as unknown[];
  return guards.includes(BearerGuard);
}

/**
 * Needs from its surroundings: `HttpSettings`, `PublicAddress`, `Clock`, `Lifecycle`, `LoopLag`, `Metrics`, `StoreHealth`, an
 * `AuthModule`, and what the modules need. The application has to be created with `bodyParser: false` or `rawBody: true`.
 */
@Module({
  imports: [NodesModule, ConnectionsModule, InboxModule, SessionsModule, RoutingModule],
  controllers: CONTROLLERS,
  providers: [
    { provide: RouteList, useFactory: () => new RouteList(CONTROLLERS, isGuarded) },
    Readiness,
    Figures,
    MetricsListener,
    CertificateRenewal,
    ListenerLimits,
    ApiDocuments,
    ProblemFilter,
    PreConnections,
    MessageBatches,
    InboxCalls,
    SessionCalls,
    NodeViews,
    NodeRates,
  ],
  exports: [RouteList, Readiness, MetricsListener, ProblemFilter],
})
export class HttpGatewayModule implements NestModule {
  static forRoot(options: HttpGatewayOptions): DynamicModule {
    return withOptions({ useValue: options });
  }

  static forRootAsync(options: AsyncSettings<HttpGatewayOptions>): DynamicModule {
    return withOptions(options);
  }

  configure(consumer: MiddlewareConsumer): void {
    const routes = ALLSPARK_ROUTES.map((path) => ({ path, method: RequestMethod.ALL }));
    consumer.apply(EdgeMiddleware).forRoutes(...routes);
  }
}

function withOptions(given: Given<HttpGatewayOptions>): DynamicModule {
  const inject = [HttpGatewayOptions];
  return withSettings(HttpGatewayModule, HttpGatewayOptions, given, [
    { provide: HttpSettings, useFactory: ({ settings }: HttpGatewayOptions) => settings, inject },
    { provide: PublicAddress, useFactory: ({ address }: HttpGatewayOptions) => address, inject },
  ]);
}
