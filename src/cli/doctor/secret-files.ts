import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config, ResolvedSettings } from '../../config/load-config.js';
import { fileName, variables } from '../../config/settings.js';
import { DATA_FILE, LOCK_FILE } from '../../storage/embedded/data-file.js';
import { fine, warning, type Finding } from './finding.js';

const OTHERS = 0o077;

/** Whether somebody else on this machine can read a secret. */
export function lookAtSecretFiles(config: Config, env: NodeJS.ProcessEnv): readonly Finding[] {
  const paths = [...new Set(secretFiles(config, env))].filter((path) => existsSync(path));
  if (process.platform === 'win32' || paths.length === 0) return [fine('secrets', 'none in files yet')];
  return paths.map((path) => judgeMode(path, statSync(path).mode));
}

/** Whether somebody else on this machine can read messages. */
export function lookAtDataFiles({ DATA_DIR, MONGODB_URI }: ResolvedSettings): readonly Finding[] {
  if (process.platform === 'win32' || MONGODB_URI !== undefined || !existsSync(DATA_DIR)) return [];
  const files = [DATA_FILE, LOCK_FILE].map((name) => join(DATA_DIR, name)).filter((path) => existsSync(path));
  return [
    judgeMode(DATA_DIR, statSync(DATA_DIR).mode, 'data directory', '700'),
    ...files.map((path) => judgeMode(path, statSync(path).mode, 'messages')),
  ];
}

export function judgeMode(path: string, mode: number, check = 'secrets', wanted = '600'): Finding {
  const shown = (mode & 0o777).toString(8).padStart(4, '0');
  if ((mode & OTHERS) === 0) return fine(check, `${path} (mode ${shown})`);
  return warning(check, `${path} can be used by others (mode ${shown})`, `chmod ${wanted} ${path}`);
}

function secretFiles({ settings, sources }: Config, env: NodeJS.ProcessEnv): readonly string[] {
  const secrets = variables.filter(({ secret }) => secret === true).map(({ name }) => name);
  const holdsSecret = secrets.some((name) => sources[name] === 'file');
  return [
    ...madeByStart(settings.DATA_DIR),
    ...secrets.map((name) => env[fileName(name)] ?? ''),
    settings.TLS_KEY_FILE ?? '',
    settings.AUTH_KEYS_FILE ?? '',
    holdsSecret ? (settings.CONFIG_FILE ?? '') : '',
  ].filter((path) => path !== '');
}

function madeByStart(dataDir: string): readonly string[] {
  if (!existsSync(dataDir)) return [];
  return readdirSync(dataDir)
    .filter((name) => name.endsWith('.secret'))
    .map((name) => join(dataDir, name));
}
