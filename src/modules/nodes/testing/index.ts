export { MemoryServerNodes } from './memory-server-nodes.js';
export { nodeRecord, nodeRegistryContract, type OpenNodeRegistry } from './node-registry-contract.js';
export { serverNodeAddress, serverNodeRow } from './server-node-rows.js';
export { type OpenServerNodes, serverNodesContract } from './server-nodes-contract.js';
