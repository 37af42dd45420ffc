/**
 * What a storage family or links of another team are tested with: the contract suite of each port, for vitest; and links
 * without sockets, for tests of several server nodes in one process.
 */
export { validationKeyStoreContract } from './modules/auth/testing/index.js';
export { directoryContract } from './modules/connections/testing/index.js';
export { inboxLogContract, storeHealthContract } from './modules/inbox/testing/index.js';
export { nodeRegistryContract, serverNodesContract } from './modules/nodes/testing/index.js';
export { LocalNetwork, LocalPeerLinks, peerLinksContract } from './modules/routing/testing/index.js';
export { groupLogContract } from './modules/sessions/testing/index.js';
