import { NOT_IN_FORCE } from './not-in-force.js';
import { variables, type Variable } from './settings.js';

const HEAD = `\
# Every setting of the server with its default. Take away the # in front of a name to set it.
# Use: CONFIG_FILE=path/of/this/file, or set the same names in the environment, or as flags (PORT as --port).
# A flag beats the environment, which beats this file, which beats the default. An empty value counts as unset.
# A value with a space, a # or a quote in it stands in quotes.
# Secrets and AUTH_PUBLIC_KEY may also be read from a file: NAME_FILE=path in place of NAME=value.
`;

/** The text of config/example.env. */
export function renderExampleEnv(): string {
  const titles = new Set(variables.map(({ group }) => group));
  return [HEAD, ...[...titles].map(renderGroup)].join('\n');
}

function renderGroup(title: string): string {
  const members = variables.filter(({ group }) => group === title);
  return [`# ---- ${title} ----`, ...members.map(renderVariable)].join('\n') + '\n';
}

function renderVariable(variable: Variable): string {
  const { name, about, unit, zero, fallback, whenUnset } = variable;
  const notYet = NOT_IN_FORCE.has(name) && 'NOT IN FORCE YET';
  const facts = [notYet, about, `unit: ${unit}`, `zero: ${zero}`, whenUnset && `unset: ${whenUnset}`].filter(Boolean);
  return `# ${facts.join('; ')}\n#${name}=${fallback ?? ''}`;
}
