export { nodeRecord, nodeRegistryContract, type OpenNodeRegistry } from './node-registry-contract.js';
export { type OpenServerNodes, serverNodesContract } from './server-nodes-contract.js';
