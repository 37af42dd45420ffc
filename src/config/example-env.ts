import { NOT_IN_FORCE } from './not-in-force.js';
import { variables, type Variable } from './settings.js';
import { NO_NUMBER } from './variable.js';

const HEAD = `\
# Every setting of the server with its default. Take away the # in front of a name to set it.
# Use: CONFIG_FILE=path/of/this/file, or set the same names in the environment, or as flags (PORT as --port).
# A flag beats the environment, which beats this file, which beats the default. An empty value counts as unset.
# A value with a space, a # or a quote in it stands in quotes.
# Secrets and AUTH_PUBLIC_KEY may also be read from a file: NAME_FILE=path in place of NAME=value.
`;

const NOT_IN_FORCE_TITLE = 'Not in force yet: for parts that are still to come';

/** The text of config/example.env. */
export function renderExampleEnv(): string {
  const inForce = variables.filter(({ name }) => !NOT_IN_FORCE.has(name));
  const titles = new Set(inForce.map(({ group }) => group));
  const groups = [...titles].map((title) => inForce.filter(({ group }) => group === title));
  const sections = groups.map((members) => renderSection(members[0]?.group ?? '', members));
  const toCome = variables.filter(({ name }) => NOT_IN_FORCE.has(name));
  const last = toCome.length > 0 ? [renderSection(NOT_IN_FORCE_TITLE, toCome)] : [];
  return [HEAD, ...sections, ...last].join('\n');
}

function renderSection(title: string, members: readonly Variable[]): string {
  return [`# ---- ${title} ----`, ...members.map(renderVariable)].join('\n') + '\n';
}

function renderVariable({ name, about, unit, zero, fallback, whenUnset }: Variable): string {
  const whenZero = zero !== NO_NUMBER && `zero: ${zero}`;
  const facts = [about, `unit: ${unit}`, whenZero, whenUnset && `unset: ${whenUnset}`].filter(Boolean);
  return `# ${facts.join('; ')}\n#${name}=${fallback ?? ''}`;
}
