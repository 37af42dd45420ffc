export { ClientsService } from './clients.service.js';
export { GroupLog, type GroupRecord, type OpenEntry, type Stay } from './group-log.js';
export { GroupsService } from './groups.service.js';
export { SessionsModule } from './sessions.module.js';
export { SessionsService } from './sessions.service.js';
export { SessionsSettings } from './sessions.settings.js';
export type {
  Caller,
  EntryPage,
  EntryQuery,
  GroupMessage,
  HistoryPolicy,
  MemberView,
  NewMember,
  NewSession,
  SessionType,
  SessionView,
  Terms,
} from './sessions.types.js';
