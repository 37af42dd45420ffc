import { describeConfig, formatConfig } from '../config/describe-config.js';
import { formatFaults } from '../config/fault.js';
import { EXIT } from './exit-codes.js';
import { readSettings } from './settings.js';

export interface ConfigOptions {
  readonly json?: boolean;
}

/** `check` tells what is wrong with the settings, `print` shows them. */
export async function config(
  what: 'check' | 'print',
  { json = false }: ConfigOptions,
  args: readonly string[],
): Promise<number> {
  const loaded = readSettings(args);
  if (!loaded.ok) {
    if (json) printJson(loaded.faults);
    else process.stderr.write(formatFaults(loaded.faults));
    return EXIT.config;
  }
  if (what === 'print') {
    if (json) printJson(describeConfig(loaded.config));
    else process.stdout.write(formatConfig(loaded.config));
  } else console.log(json ? '{"ok":true}' : 'The settings are right.');
  return EXIT.ok;
}

function printJson(rows: readonly object[]): void {
  for (const row of rows) console.log(JSON.stringify(row));
}
