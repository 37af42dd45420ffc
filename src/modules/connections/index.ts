export { type Connected, ConnectionHooks, type Newcomer } from './connections.hooks.js';
export { ConnectionsModule } from './connections.module.js';
export { ConnectionsService } from './connections.service.js';
export { ConnectionsSettings } from './connections.settings.js';
export { Directory, type ConnectionRow } from './directory.js';
export type { LiveConnection } from './connections.types.js';
export { Registrations } from './registrations.js';
