/** What a team gets that embeds Allspark in its own Nest application: modules, services, ports, the assembled server. */
export { AllsparkModule, type AppSurroundings } from './app.module.js';
export { Clock, ManualClock, SystemClock, type Timer } from './common/clock.js';
export { Lifecycle, type Phase } from './common/lifecycle.js';
export { createLogger, type Logger, NestLogger } from './common/logging.js';
export { LoopLag, type LoopLagLimits } from './common/loop-lag.js';
export { Metrics } from './common/metrics.js';
export { StallGuard } from './common/stall-guard.js';
export { UpgradeClaims } from './common/upgrade-claims.js';
export { formatFaults, type Fault } from './config/fault.js';
export { loadConfig, type Config, type ConfigInput, type LoadedConfig } from './config/load-config.js';
export { createApp, startServer, type RunningServer } from './create-app.js';
export { HttpGatewayModule, HttpSettings, ProblemFilter, PublicAddress } from './gateways/http/index.js';
export { NativeGatewayModule, NativeSettings, useNativeWebsockets } from './gateways/native/index.js';
export { LinksModule, LinksSettings, PeerAddresses, type PeerAddress, type PeerIdentity } from './links/index.js';
export {
  AuthKeyVerifier,
  AuthModule,
  type AuthOptions,
  BearerGuard,
  Caller,
  type Identity,
  Roles,
  RolesGuard,
  ValidationKeyStore,
} from './modules/auth/index.js';
export {
  type ConnectionRow,
  ConnectionsModule,
  ConnectionsService,
  ConnectionsSettings,
  Directory,
  type LiveConnection,
} from './modules/connections/index.js';
export {
  InboxLog,
  InboxModule,
  InboxService,
  InboxSettings,
  type LogRow,
  StoreHealth,
  StoreUnavailable,
} from './modules/inbox/index.js';
export {
  AddressTaken,
  Heartbeat,
  NodeRegistry,
  NodesModule,
  NodesService,
  ServerNode,
  type ServerNodeAddress,
  type ServerNodeLoad,
  type ServerNodeRow,
  ServerNodes,
  ServerNodesSettings,
  ServerNodesView,
} from './modules/nodes/index.js';
export {
  PeerLinks,
  type PeerFrame,
  type PeerListener,
  RoutingModule,
  RoutingService,
  RoutingSettings,
  type Answer,
  type Sender,
} from './modules/routing/index.js';
export {
  ClientsService,
  GroupLog,
  type GroupRecord,
  GroupsService,
  type OpenEntry,
  SessionsModule,
  SessionsService,
  SessionsSettings,
  type Stay,
} from './modules/sessions/index.js';
export { PlatformModule, type PlatformOptions } from './platform.module.js';
export { EmbeddedStorageModule, type EmbeddedOptions } from './storage/embedded/index.js';
