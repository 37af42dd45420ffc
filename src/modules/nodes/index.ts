export { NodeRegistry, type NodeRecord } from './node-registry.js';
export { NodesModule } from './nodes.module.js';
export { NodesService } from './nodes.service.js';
export type { KeyOfNode } from './nodes.types.js';
export { ServerNode } from './server-node.js';
export { ServerNodes, type ServerNodeRow } from './server-nodes.js';
