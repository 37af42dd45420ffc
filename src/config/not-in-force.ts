import type { Source } from './load-config.js';
import type { VariableName } from './settings.js';

/**
 * Names that are decided and judged already, for parts that are not built yet. They are documented as such, and whoever
 * sets one is told at start; take a name away from here when its part is built.
 */
export const NOT_IN_FORCE: ReadonlySet<VariableName> = new Set([
  'INTERNAL_ADDRESS',
  'LINK_CA_FILE',
  'LINK_PING_INTERVAL_MS',
  'LINK_DEAD_MS',
  'LINK_RECONNECT_MIN_MS',
  'LINK_RECONNECT_MAX_MS',
  'LINK_WAITING_BYTES',
] as const);

/** Those that were set all the same. */
export function setWithoutEffect(sources: Readonly<Record<VariableName, Source>>): VariableName[] {
  return [...NOT_IN_FORCE].filter((name) => sources[name] !== 'default');
}
