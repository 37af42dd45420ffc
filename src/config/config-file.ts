import { parseEnv } from 'node:util';
import type { Entries } from './flags.js';
import type { Fault } from './fault.js';
import { nearestName } from './nearest-name.js';
import { settableNames } from './settings.js';

/** Env-file syntax; keys that mean nothing are faults, for nobody else reads this file. An empty value is unset. */
export function parseConfigFile(path: string, content: string): Entries {
  const found: Entries = { entries: new Map(), faults: [] };
  const lines = content.split('\n').map((line) => line.trim().replace(/^export\s+/, ''));
  const strays = strayLines(lines);
  const whereOf = (index: number): string => `${path}, line ${index + 1}`;
  for (const index of strays) found.faults.push(strayLine(whereOf(index)));
  // Of a line without `=` one parser makes a part of the next key, and another nothing at all.
  const sound = content.split('\n').map((line, index) => (strays.has(index) ? '' : line));
  for (const [key, text = ''] of Object.entries(parseEnv(sound.join('\n')))) {
    const where = whereOf(lines.findLastIndex((line) => line.split('=')[0]?.trim() === key));
    if (!settableNames.includes(key)) found.faults.push(unknownKey(key, where));
    else if (text.trim() === '') continue;
    else if (key === 'CONFIG_FILE') found.faults.push(fileInFile(where));
    else found.entries.set(key, { text, where });
  }
  return { ...found, faults: found.faults.toSorted(byLine) };
}

const lineIn = ({ where }: Fault): number => Number(/\d+$/.exec(where)?.[0]);
const byLine = (one: Fault, other: Fault): number => lineIn(one) - lineIn(other);

/** Those that are no entry, no comment and not empty, by their index. A value in quotes may go over several lines. */
function strayLines(lines: readonly string[]): ReadonlySet<number> {
  const strays = new Set<number>();
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    if (line === '' || line.startsWith('#')) continue;
    const [, quote, rest = ''] = /^[^=]*=\s*(?:(["'`])(.*))?/.exec(line) ?? [];
    if (!line.includes('=')) strays.add(index);
    else if (quote !== undefined && !rest.includes(quote)) index = closing(lines, index, quote);
  }
  return strays;
}

/** The line on which the quotes end; the one on which they begin, where they never do. */
function closing(lines: readonly string[], from: number, quote: string): number {
  const end = lines.findIndex((line, index) => index > from && line.includes(quote));
  return end === -1 ? from : end;
}

function strayLine(where: string): Fault {
  return { variable: 'CONFIG_FILE', got: 'a line of another form', wanted: 'NAME=value', where };
}

function unknownKey(key: string, where: string): Fault {
  if (!/^\w+$/.test(key)) return strayLine(where);
  const near = nearestName(key, settableNames);
  const wanted = near === undefined ? 'a variable of config/example.env' : `did you mean ${near}?`;
  return { variable: key, got: 'an unknown variable', wanted, where };
}

function fileInFile(where: string): Fault {
  return { variable: 'CONFIG_FILE', got: 'a file that names another', wanted: 'one file', where };
}
