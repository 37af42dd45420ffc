/** What a storage family of another team is tested with: the contract suite of each port, for vitest. */
export { endOrdersContract, validationKeyStoreContract } from './modules/auth/testing/index.js';
export { directoryContract } from './modules/connections/testing/index.js';
export { inboxLogContract, storeHealthContract } from './modules/inbox/testing/index.js';
export { nodeRegistryContract, serverNodesContract } from './modules/nodes/testing/index.js';
export { groupLogContract } from './modules/sessions/testing/index.js';
