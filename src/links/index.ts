export { LinksEntrance, LinksModule, type LinksWiring } from './links.module.js';
export { LinksSettings, type LinkListenerSettings } from './links.settings.js';
export { PeerAddresses, type PeerAddress, type PeerIdentity } from './peer-addresses.js';
export { WebsocketPeerLinks } from './websocket-peer-links.js';
