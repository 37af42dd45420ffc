import { readFileSync } from 'node:fs';
import { formatFaults } from '../config/fault.js';
import { loadConfig, type Config, type LoadedConfig } from '../config/load-config.js';
import { nearestName } from '../config/nearest-name.js';
import { findVariable, flagName, settableNames } from '../config/settings.js';
import { isBooleanWord } from '../config/variable.js';
import { EXIT } from './exit-codes.js';
import { CliFault, usage } from './fault.js';

export interface Separated {
  /** Settings, as `loadConfig` takes them. */
  readonly flags: readonly string[];
  /** What the command itself works on: a payload, a node id, a key. */
  readonly words: readonly string[];
}

/** Tells settings flags from words, in any order; behind `--` there are words only. */
export function separate(args: readonly string[]): Separated {
  const flags: string[] = [];
  const words: string[] = [];
  let at = 0;
  while (at < args.length) {
    const argument = args[at] ?? '';
    if (argument === '--') return { flags, words: [...words, ...args.slice(at + 1)] };
    const length = argument.startsWith('--') ? flagLength(argument, args[at + 1]) : 1;
    if (argument.startsWith('--')) flags.push(...args.slice(at, at + length));
    else words.push(requireWord(argument));
    at += length;
  }
  return { flags, words };
}

/** How many arguments the flag takes up: two when its value stands behind it. */
function flagLength(argument: string, next: string | undefined): 1 | 2 {
  const [written = '', ...value] = argument.slice(2).split('=');
  const name = written.toUpperCase().replaceAll('-', '_');
  if (!settableNames.includes(name)) throw unknownOption(written, name);
  if (value.length > 0 || next === undefined || next.startsWith('--')) return 1;
  return findVariable(name)?.boolean === true && !isBooleanWord(next) ? 1 : 2;
}

function unknownOption(written: string, name: string): CliFault {
  const near = nearestName(name, settableNames);
  const didYouMean = near === undefined ? [] : [`Of the settings, ${flagName(near)} is the nearest.`];
  return usage(`there is no option or setting --${written} (see --help)`, ...didYouMean);
}

function requireWord(word: string): string {
  if (!/^-[^\d.]/.test(word)) return word;
  throw usage(`there is no option ${word.slice(0, 2)} (see --help)`, 'A word that begins with - goes behind --');
}

export function readSettings(flags: readonly string[]): LoadedConfig {
  return loadConfig({ env: process.env, argv: flags, readFile: (path) => readFileSync(path, 'utf8') });
}

/** The settings as `start` would see them. Throws `CliFault` that lists everything that is wrong with them. */
export function requireSettings(flags: readonly string[]): Config {
  const loaded = readSettings(flags);
  if (loaded.ok) return loaded.config;
  throw new CliFault(EXIT.config, formatFaults(loaded.faults));
}

/** Refuses a word too many: it is a payload without quotes more often than not. */
export function wordsUpTo(limit: number, args: readonly string[]): Separated {
  const separated = separate(args);
  const extra = separated.words[limit];
  if (extra === undefined) return separated;
  throw usage(`one word too many: ${JSON.stringify(extra.slice(0, 40))}`, 'A text with spaces needs quotes around it.');
}
