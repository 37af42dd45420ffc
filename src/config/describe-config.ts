import { quote } from './fault.js';
import type { Config, Source } from './load-config.js';
import { REDACTED, Secret } from './secret.js';
import { variables, type VariableName } from './settings.js';

export interface ConfigRow {
  readonly variable: VariableName;
  /** As it would be written; empty while unset, `[redacted]` for a secret. */
  readonly value: string;
  readonly source: Source;
}

/** Every variable in effect, with the place that its value comes from. */
export function describeConfig({ settings, sources }: Config): readonly ConfigRow[] {
  return variables.map(({ name }) => ({ variable: name, value: asText(settings[name]), source: sources[name] }));
}

export function formatConfig(config: Config): string {
  const rows = describeConfig(config).map(({ variable, value, source }) => [`${variable}=${onOneLine(value)}`, source]);
  const width = Math.max(...rows.map(([setting = '']) => setting.length).filter((length) => length <= 60));
  return rows.map(([setting = '', source = '']) => `${setting.padEnd(width)}  # ${source}`).join('\n') + '\n';
}

function asText(value: Config['settings'][VariableName]): string {
  if (value === undefined) return '';
  if (value instanceof Secret) return REDACTED;
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'object') return value.length === 0 ? 'none' : value.join(',');
  return String(value);
}

const onOneLine = (value: string): string => (value.includes('\n') ? quote(value) : value);
