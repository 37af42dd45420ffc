export { FailStop } from './fail-stop.js';
export { MAX_HOPS, PeerLinks, type HintedRow, type Notice, type PeerFrame, type PeerListener } from './peer-links.js';
export { type Departure, RoutingHooks } from './routing.hooks.js';
export { RoutingModule } from './routing.module.js';
export { RoutingService } from './routing.service.js';
export { RoutingSettings, type PresencePolicy } from './routing.settings.js';
export type { Answer, Sender } from './routing.types.js';
