export { MongoInboxLog } from './mongo-inbox-log.js';
export { MongoStore, MongoStoreTooNew } from './mongo-store.js';
export type { MongoOptions } from './settings.js';
