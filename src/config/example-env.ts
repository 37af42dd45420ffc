import { variables, type Variable } from './settings.js';
import { NO_NUMBER } from './variable.js';

const HEAD = `\
# Every setting of the server with its default. Take away the # in front of a name to set it.
# Use: CONFIG_FILE=path/of/this/file, or set the same names in the environment, or as flags (PORT as --port).
# A flag beats the environment, which beats this file, which beats the default. An empty value counts as unset.
# A value with a space, a # or a quote in it stands in quotes.
# Secrets and AUTH_PUBLIC_KEY may also be read from a file: NAME_FILE=path in place of NAME=value.
`;

/** The text of config/example.env. */
export function renderExampleEnv(): string {
  const titles = [...new Set(variables.map(({ group }) => group))];
  return [HEAD, ...titles.map(renderSection)].join('\n');
}

function renderSection(title: string): string {
  const members = variables.filter(({ group }) => group === title);
  return [`# ---- ${title} ----`, ...members.map(renderVariable)].join('\n') + '\n';
}

function renderVariable({ name, about, unit, zero, fallback, whenUnset }: Variable): string {
  const whenZero = zero !== NO_NUMBER && `zero: ${zero}`;
  const facts = [about, `unit: ${unit}`, whenZero, whenUnset && `unset: ${whenUnset}`].filter(Boolean);
  return `# ${facts.join('; ')}\n#${name}=${fallback ?? ''}`;
}
