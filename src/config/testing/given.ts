import { formatFaults, type Fault } from '../fault.js';
import { loadConfig, type Config, type ConfigInput } from '../load-config.js';

export type Given = Partial<Pick<ConfigInput, 'env' | 'argv'>> & { files?: Record<string, string> };

export function load({ env = {}, argv = [], files = {} }: Given) {
  const readFile = (path: string): string => {
    const content = files[path];
    if (content === undefined) throw Object.assign(new Error(`no file ${path}`), { code: 'ENOENT' });
    return content;
  };
  return loadConfig({ env, argv, readFile });
}

export function configOf(given: Given): Config {
  const loaded = load(given);
  if (!loaded.ok) throw new Error(formatFaults(loaded.faults));
  return loaded.config;
}

export const settingsOf = (given: Given) => configOf(given).settings;

export function faultsOf(given: Given): readonly Fault[] {
  const loaded = load(given);
  return loaded.ok ? [] : loaded.faults;
}
