/** What a team gets that embeds Allspark in its own Nest application: modules, services, ports, the assembled server. */
export { AllsparkModule, type AppSurroundings, type AsyncSurroundings, type StorageFamily } from './app.module.js';
export { Clock, ManualClock, StoreClock, SystemClock, type Timer } from './common/clock.js';
export { type Ruling, type Undo } from './common/hooks.js';
export { Lifecycle, type Phase } from './common/lifecycle.js';
export { createLogger, type Logger, NestLogger } from './common/logging.js';
export { Heap } from './common/heap.js';
export { HeapUse, type HeapLimits } from './common/heap-use.js';
export { LoopLag, type LoopLagLimits } from './common/loop-lag.js';
export { Metrics } from './common/metrics.js';
export { Overload, type Shortage } from './common/overload.js';
export { type AsyncSettings, type OwnPorts } from './common/with-settings.js';
export { StallGuard } from './common/stall-guard.js';
export { UpgradeClaims } from './common/upgrade-claims.js';
export { formatFaults, type Fault } from './config/fault.js';
export { loadConfig, type Config, type ConfigInput, type LoadedConfig } from './config/load-config.js';
export {
  type Admitting,
  createApp,
  httpAdapterOf,
  letIn,
  type RunningServer,
  startServer,
  surroundingsOf,
} from './create-app.js';
export {
  ALLSPARK_ROUTES,
  HttpGatewayModule,
  HttpGatewayOptions,
  HttpSettings,
  ProblemFilter,
  PublicAddress,
} from './gateways/http/index.js';
export {
  ANY_FRAME,
  type GatewayOptions,
  NativeGatewayModule,
  NativeSettings,
  useNativeWebsockets,
} from './gateways/native/index.js';
export { LinksModule, LinksSettings, PeerAddresses, type PeerAddress, type PeerIdentity } from './links/index.js';
export {
  AuthKeyVerifier,
  AuthModule,
  type AuthOptions,
  BearerGuard,
  callerOf,
  Caller,
  type EndOrder,
  type EndOrderRow,
  EndOrders,
  type Identity,
  type KeyHolder,
  Revocations,
  isAllowed,
  type Role,
  Roles,
  RolesGuard,
  signAuthKey,
  type ValidationGrant,
  UpgradeAuthenticator,
  ValidationKeys,
  ValidationKeyStore,
} from './modules/auth/index.js';
export {
  type Connected,
  ConnectionHooks,
  type ConnectionRow,
  ConnectionsModule,
  ConnectionsService,
  ConnectionsSettings,
  Directory,
  type LiveConnection,
  type Newcomer,
} from './modules/connections/index.js';
export {
  type Delivered,
  InboxHooks,
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
  type NodeRecord,
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
  type Answer,
  type Departure,
  type PeerFrame,
  PeerLinks,
  type PeerListener,
  RoutingHooks,
  RoutingModule,
  RoutingService,
  RoutingSettings,
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
export {
  REFUSALS,
  Refusal,
  type RefusalCode,
  type RefusalDetail,
  type Message,
  type Destination,
} from './protocol/index.js';
export { PlatformModule, type PlatformOptions } from './platform.module.js';
export { EmbeddedStorageModule, type EmbeddedOptions } from './storage/embedded/index.js';
export { type MongoOptions, MONGO_CONNECTION, MongoStorageModule } from './storage/mongo/index.js';
