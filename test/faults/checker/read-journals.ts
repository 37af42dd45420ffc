import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry } from './entries.js';

/** The journals of all processes of a run as one, in the order of time; each keeps its own order. */
export function readJournals(folder: string): Entry[] {
  const all = readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .toSorted()
    .flatMap((name) => entriesOf(join(folder, name)));
  return all.toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0));
}

function entriesOf(file: string): Entry[] {
  let last = 0;
  // A process that was killed may have left half a line.
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => {
    const entry = JSON.parse(line) as Entry;
    last = Math.max(last, entry.at ?? last);
    return { ...entry, at: last };
  });
}
