/**
 * For tests of other teams, with vitest: the contract suite of each port and what it is built with, links without sockets
 * for several server nodes in one process, a clock that is moved by hand, and a whole server in a test.
 */
export { ManualClock } from './common/clock.js';
export {
  connectionsEnd,
  endOrdersContract,
  keysEnd,
  type OpenEndOrders,
  type OpenValidationKeyStore,
  validationGrant,
  validationKeyStoreContract,
} from './modules/auth/testing/index.js';
export { connectionRow, directoryContract, type OpenDirectory } from './modules/connections/testing/index.js';
export {
  inboxLogContract,
  type InboxLogHarness,
  logRow,
  logRows,
  type OpenInboxLog,
  type OpenStoreHealth,
  storeHealthContract,
} from './modules/inbox/testing/index.js';
export {
  nodeRecord,
  nodeRegistryContract,
  type OpenNodeRegistry,
  type OpenServerNodes,
  serverNodesContract,
} from './modules/nodes/testing/index.js';
export { LocalNetwork, LocalPeerLinks, peerLinksContract } from './modules/routing/testing/index.js';
export {
  groupLogContract,
  type GroupLogHarness,
  groupRecord,
  type GroupStore,
  type OpenGroupLog,
  stay,
} from './modules/sessions/testing/index.js';
export { type StartedTestServer, startTestServer, type TestServerOptions } from './start-test-server.js';
