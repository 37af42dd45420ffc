export { EmbeddedDirectory } from './embedded-directory.js';
export { EmbeddedHealth, type DiskSpace } from './embedded-health.js';
export { EmbeddedInboxLog } from './embedded-inbox-log.js';
export { EmbeddedNodeRegistry } from './embedded-node-registry.js';
export { EmbeddedServerNodes } from './embedded-server-nodes.js';
export { EmbeddedStorageModule } from './embedded-storage.module.js';
export { EmbeddedStore, StoreTooNew } from './embedded-store.js';
export { EmbeddedValidationKeys } from './embedded-validation-keys.js';
export type { EmbeddedOptions } from './settings.js';
