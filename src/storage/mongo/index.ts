export { MongoDirectory } from './mongo-directory.js';
export { MongoHealth } from './mongo-health.js';
export { MongoInboxLog } from './mongo-inbox-log.js';
export { MongoNodeRegistry } from './mongo-node-registry.js';
export { MongoServerNodes } from './mongo-server-nodes.js';
export { MONGO_CONNECTION, MongoStorageModule } from './mongo-storage.module.js';
export { MongoStore, MongoStoreTooNew } from './mongo-store.js';
export { MongoValidationKeys } from './mongo-validation-keys.js';
export type { MongoOptions } from './settings.js';
