import type { Source } from './load-config.js';
import type { VariableName } from './settings.js';

/**
 * Names that are decided and judged already, for parts that are not built yet. They are documented as such, and whoever
 * sets one is told at start; take a name away from here when its part is built.
 */
export const NOT_IN_FORCE: ReadonlySet<VariableName> = new Set();

/** Those that were set all the same. */
export function setWithoutEffect(
  sources: Readonly<Record<VariableName, Source>>,
  names: ReadonlySet<VariableName> = NOT_IN_FORCE,
): VariableName[] {
  return [...names].filter((name) => sources[name] !== 'default');
}
