import { flagName, variables, type Variable } from '../config/settings.js';
import { EXIT } from './exit-codes.js';

const HEAD = `\
Usage: allspark start [settings]

Runs a server node until SIGINT or SIGTERM. Without any setting it is a trial on this machine alone:
http://localhost:8080, with its data in ./data.

Every setting is a flag (--port 8081), an environment variable (PORT=8081) and a line of the file that
CONFIG_FILE names; a flag wins over the environment, which wins over the file. A secret, and AUTH_PUBLIC_KEY,
may also be read from a file: --auth-secret-file PATH. "allspark config print" shows what is in effect.
`;

/** The help of `start`, with all settings. */
export async function startHelp(): Promise<number> {
  process.stdout.write(startHelpText());
  return EXIT.ok;
}

export function startHelpText(): string {
  const titles = [...new Set(variables.map(({ group }) => group))];
  return [HEAD, ...titles.map(groupText)].join('\n');
}

function groupText(title: string): string {
  const members = variables.filter(({ group }) => group === title);
  return `${title}\n${members.map(variableText).join('')}`;
}

function variableText({ name, about, unit, fallback, whenUnset }: Variable): string {
  const standard = fallback === undefined ? `unset: ${whenUnset ?? 'not used'}` : `default ${fallback}`;
  return `  ${flagName(name)} <${unit}>\n      ${about} (${standard})\n`;
}
