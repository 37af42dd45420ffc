import type { ServerNodeAddress, ServerNodeRow } from '../server-nodes.js';

export function serverNodeAddress(changes: Partial<ServerNodeAddress> = {}): ServerNodeAddress {
  const { address = 'localhost:1' } = changes;
  const [baseUrl, internalUrl] = [`http://${address}`, `ws://${address}`];
  return { address, baseUrl, proxyHost: null, internalUrl, capacity: 20_000, ...changes };
}

export function serverNodeRow(changes: Partial<ServerNodeRow> = {}): ServerNodeRow {
  const load = { connections: 0, lagMs: 0, closed: false };
  const run = { serverNodeId: '~s1', bootId: 'boot-1', beat: 0 };
  return { ...serverNodeAddress(changes), ...load, ...run, ...changes };
}
