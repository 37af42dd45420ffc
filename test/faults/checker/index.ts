export { checkJournal, type CheckOptions } from './check-journal.js';
export { type Entry, type Invariant, named, nameOf, of, type Of, type Violation } from './entries.js';
export { readJournals } from './read-journals.js';
