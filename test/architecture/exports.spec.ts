import { expect, it } from 'vitest';
import * as door from '../../src/index.js';
import * as suites from '../../src/testing.js';

it('the package exports these names and no others: adding one is a promise to teams that embed it', () => {
  expect(Object.keys(door).sort()).toMatchInlineSnapshot(`
    [
      "AllsparkModule",
      "AuthKeyVerifier",
      "AuthModule",
      "BearerGuard",
      "Caller",
      "ClientsService",
      "Clock",
      "ConnectionsModule",
      "ConnectionsService",
      "ConnectionsSettings",
      "Directory",
      "EmbeddedStorageModule",
      "GroupLog",
      "GroupsService",
      "HttpGatewayModule",
      "HttpSettings",
      "InboxLog",
      "InboxModule",
      "InboxService",
      "InboxSettings",
      "Lifecycle",
      "LoopLag",
      "ManualClock",
      "Metrics",
      "NativeGatewayModule",
      "NativeSettings",
      "NestLogger",
      "NodeRegistry",
      "NodesModule",
      "NodesService",
      "PlatformModule",
      "ProblemFilter",
      "PublicAddress",
      "Roles",
      "RolesGuard",
      "RoutingModule",
      "RoutingService",
      "RoutingSettings",
      "ServerNode",
      "ServerNodes",
      "SessionsModule",
      "SessionsService",
      "SessionsSettings",
      "StallGuard",
      "StoreHealth",
      "StoreUnavailable",
      "SystemClock",
      "ValidationKeyStore",
      "createApp",
      "createLogger",
      "formatFaults",
      "loadConfig",
      "startServer",
      "useNativeWebsockets",
    ]
  `);
});

it('the contract suites of all ports are exported for other storage families', () => {
  expect(Object.keys(suites).sort()).toMatchInlineSnapshot(`
    [
      "directoryContract",
      "groupLogContract",
      "inboxLogContract",
      "nodeRegistryContract",
      "serverNodesContract",
      "storeHealthContract",
      "validationKeyStoreContract",
    ]
  `);
});
