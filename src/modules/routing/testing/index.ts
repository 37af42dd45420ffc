export { Heard, turnsUntil } from './heard.js';
export { LocalNetwork, LocalPeerLinks } from './local-peer-links.js';
export { hintedRow, notice, peerLinksContract, type OpenLinks } from './peer-links-contract.js';
