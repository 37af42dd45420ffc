import { parseEnv } from 'node:util';
import type { Entries } from './flags.js';
import type { Fault } from './fault.js';
import { nearestName } from './nearest-name.js';
import { settableNames } from './settings.js';

/** Env-file syntax; keys that mean nothing are faults, for nobody else reads this file. An empty value is unset. */
export function parseConfigFile(path: string, content: string): Entries {
  const found: Entries = { entries: new Map(), faults: [] };
  const lines = content.split('\n').map((line) => line.trim().replace(/^export\s+/, ''));
  const read = Object.entries(parseEnv(content)).map(([key, text = '']) => ({ key, text, line: lineOf(key, lines) }));
  for (const { key, text, line } of read.toSorted((one, other) => one.line - other.line)) {
    const where = `${path}, line ${line}`;
    if (!settableNames.includes(key)) found.faults.push(unknownKey(key, where));
    else if (text.trim() === '') continue;
    else if (key === 'CONFIG_FILE') found.faults.push(fileInFile(where));
    else found.entries.set(key, { text, where });
  }
  return found;
}

/** The parser glues a line without `=` to the key that follows it, so a strange key may have several lines. */
function lineOf(key: string, lines: readonly string[]): number {
  const [first = '', ...glued] = key.split('\n');
  const isStart = (line: string): boolean => (glued.length > 0 ? line === first : line.split('=')[0]?.trim() === first);
  return lines.findLastIndex(isStart) + 1;
}

function unknownKey(key: string, where: string): Fault {
  if (!/^\w+$/.test(key))
    return { variable: 'CONFIG_FILE', got: 'a line of another form', wanted: 'NAME=value', where };
  const near = nearestName(key, settableNames);
  const wanted = near === undefined ? 'a variable of config/example.env' : `did you mean ${near}?`;
  return { variable: key, got: 'an unknown variable', wanted, where };
}

function fileInFile(where: string): Fault {
  return { variable: 'CONFIG_FILE', got: 'a file that names another', wanted: 'one file', where };
}
