// The checker as a process of its own: `main.js FOLDER [LATE_MS]` judges the journals of a run, and prints its verdict.
import { checkJournal } from './check-journal.js';
import { of } from './entries.js';
import { readJournals } from './read-journals.js';

const SHOWN = 10;
const [folder = '.', lateMs] = process.argv.slice(2);
const journal = readJournals(folder);
const violations = checkJournal(journal, lateMs === undefined ? {} : { lateMs: Number(lateMs) });
const counts: Record<string, number> = {};
for (const { what } of journal) counts[what] = (counts[what] ?? 0) + 1;
const groups = new Set(of(journal, 'sent').flatMap(({ group }) => group ?? []));
counts['stored in groups'] = of(journal, 'confirmed').filter(({ dest }) => groups.has(dest)).length;
const invariants: Record<string, number> = {};
for (const { invariant } of violations) invariants[invariant] = (invariants[invariant] ?? 0) + 1;
console.log(JSON.stringify({ counts, invariants, violations: violations.slice(0, SHOWN) }));
