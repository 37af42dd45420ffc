import { NOTHING, quote, type Entry, type Fault } from './fault.js';
import { nearestName } from './nearest-name.js';
import { findVariable, flagName, settableNames } from './settings.js';
import { isBooleanWord } from './variable.js';

export interface Entries {
  readonly entries: Map<string, Entry>;
  readonly faults: Fault[];
}

interface Flag {
  readonly name: string;
  readonly value?: string;
}

/** `--name=value`, `--name value`, a bare `--name` for what is on or off; kebab-case, underscores, any case. */
export function parseFlags(argv: readonly string[]): Entries {
  const found: Entries = { entries: new Map(), faults: [] };
  let at = 0;
  while (at < argv.length) at += takeArgument(found, argv, at);
  return found;
}

/** How many arguments were used up. */
function takeArgument({ entries, faults }: Entries, argv: readonly string[], at: number): 1 | 2 {
  const flag = splitFlag(argv[at] ?? '');
  if (flag === undefined) {
    faults.push(strayArgument(argv[at] ?? '', at));
    return 1;
  }
  const follower = flag.value === undefined ? followingValue(flag.name, argv[at + 1]) : undefined;
  const text = flag.value ?? follower ?? (isToggle(flag.name) ? 'true' : '');
  if (!settableNames.includes(flag.name)) faults.push(unknownFlag(flag.name));
  else if (text.trim() === '') faults.push(flagWithoutValue(flag.name));
  else entries.set(flag.name, { text, where: `flag ${flagName(flag.name)}` });
  return follower === undefined ? 1 : 2;
}

function splitFlag(argument: string): Flag | undefined {
  const parts = /^--(?<name>[a-z0-9][a-z0-9_-]*)(?:=(?<value>.*))?$/is.exec(argument)?.groups;
  if (parts?.['name'] === undefined) return undefined;
  const name = parts['name'].toUpperCase().replaceAll('-', '_');
  return parts['value'] === undefined ? { name } : { name, value: parts['value'] };
}

function followingValue(name: string, next: string | undefined): string | undefined {
  if (next === undefined || next.startsWith('--')) return undefined;
  return isToggle(name) && !isBooleanWord(next) ? undefined : next;
}

const isToggle = (name: string): boolean => findVariable(name)?.boolean === true;

/** Neither an unknown flag's value nor a stray argument is shown whole: either may be a secret behind a typing error. */
function unknownFlag(name: string): Fault {
  const near = nearestName(name, settableNames);
  const wanted = near === undefined ? 'a flag that exists (see config print)' : `did you mean ${flagName(near)}?`;
  return { variable: flagName(name), got: 'an unknown flag', wanted, where: 'command line' };
}

function flagWithoutValue(name: string): Fault {
  const wanted = findVariable(name)?.wanted ?? 'the path of a file that can be read';
  return { variable: name, got: NOTHING, wanted, where: `flag ${flagName(name)}` };
}

function strayArgument(argument: string, at: number): Fault {
  const got = argument.startsWith('-') ? quote(argument.slice(0, 2)) : 'a word that belongs to no flag';
  return { variable: `argument ${at + 1}`, got, wanted: 'settings as --name=value', where: 'command line' };
}
