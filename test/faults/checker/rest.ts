import { type Entry, named, nameOf, of, type Violation } from './entries.js';

/** After healing everybody is back and nothing waits any more within this time, ms. */
const REST_MS = 60_000;

/** I12: at rest every live reader is at the tail, and no sender waits for an answer. */
export function notAtRest(journal: readonly Entry[]): Violation[] {
  const tails = new Map(of(journal, 'tail').map(({ node, seq }) => [node, seq]));
  const position = new Map<string, number>();
  for (const entry of journal) {
    if (entry.what === 'opened') position.set(entry.reader, entry.after);
    if (entry.what === 'received') position.set(entry.reader, entry.seq);
  }
  const behind = of(journal, 'live').flatMap(({ reader, node }): Violation[] => {
    const [stands, tail] = [position.get(reader) ?? 0, tails.get(node) ?? 0];
    return stands < tail ? [{ invariant: 'I12', text: `${reader} stands at ${stands} of ${tail}` }] : [];
  });
  const unanswered = of(journal, 'waiting').flatMap(({ src, count }): Violation[] =>
    count > 0 ? [{ invariant: 'I12', text: `${src} waits for ${count} answers` }] : [],
  );
  return [...behind, ...unanswered, ...tooLongToRest(journal)];
}

function tooLongToRest(journal: readonly Entry[]): Violation[] {
  const healed = of(journal, 'healed').at(-1)?.at;
  const rested = of(journal, 'rested').at(-1)?.at;
  if (healed === undefined || rested === undefined || rested - healed <= REST_MS) return [];
  return [{ invariant: 'I12', text: `it took ${Math.round(rested - healed)} ms to come to rest` }];
}

/**
 * I12: who is connected when a message is confirmed gets it within the time, ms: a hint that was lost costs one poll.
 * Only for runs whose readers keep up.
 */
export function late(journal: readonly Entry[], lateMs: number): Violation[] {
  const confirmedAt = new Map(of(journal, 'confirmed').map((entry) => [nameOf(entry), entry.at]));
  const openedAt = new Map<string, number>();
  const violations: Violation[] = [];
  for (const entry of journal) {
    if (entry.what === 'opened' && entry.at !== undefined) openedAt.set(entry.reader, entry.at);
    if (entry.what !== 'received' || entry.at === undefined) continue;
    const since = Math.max(confirmedAt.get(named(entry)) ?? Infinity, openedAt.get(entry.reader) ?? Infinity);
    if (entry.at - since <= lateMs) continue;
    const waited = Math.round(entry.at - since);
    violations.push({ invariant: 'I12', text: `${named(entry)} reached ${entry.reader} after ${waited} ms` });
  }
  return violations;
}

/** I13: what was measured is back at its baseline. */
export function notBack(journal: readonly Entry[]): Violation[] {
  return of(journal, 'measured').flatMap(({ name, baseline, value, allowed }): Violation[] =>
    value > baseline + allowed ? [{ invariant: 'I13', text: `${name} is ${value}, it was ${baseline}` }] : [],
  );
}
