import { type Entry, grouped, named, nameOf, of, type Of, type Violation } from './entries.js';

/** What a node was sent itself; what is of its groups is judged by itself. */
function direct(journal: readonly Entry[]): Of<'received'>[] {
  return of(journal, 'received').filter(({ group }) => group === undefined);
}

/** I1: what was confirmed reached every reader of its destination that read from there on. */
export function confirmedButNotRead(journal: readonly Entry[]): Violation[] {
  const received = direct(journal);
  const read = new Set(received.map((entry) => `${entry.reader} ${named(entry)}`));
  const place = new Map(received.map((entry) => [named(entry), entry.seq]));
  const readers = grouped(firstOpenings(journal), ({ node }) => node);
  return of(journal, 'confirmed').flatMap((entry) => {
    const name = nameOf(entry);
    return (readers.get(entry.dest) ?? []).flatMap(({ reader, after }): Violation[] => {
      if ((place.get(name) ?? Infinity) <= after || read.has(`${reader} ${name}`)) return [];
      return [{ invariant: 'I1', text: `${name} was confirmed and never reached ${reader}` }];
    });
  });
}

function firstOpenings(journal: readonly Entry[]): Array<{ reader: string; node: string; after: number }> {
  const first = new Map<string, { reader: string; node: string; after: number }>();
  for (const entry of of(journal, 'opened')) if (!first.has(entry.reader)) first.set(entry.reader, entry);
  return [...first.values()];
}

/** I2: what arrived was sent so by its source. */
export function readButNotSent(journal: readonly Entry[]): Violation[] {
  const sent = new Map(of(journal, 'sent').map((entry) => [nameOf(entry), entry.payload]));
  return direct(journal)
    .filter((entry) => sent.get(named(entry)) !== entry.payload)
    .map((entry) => ({ invariant: 'I2', text: `${named(entry)} was not sent as ${entry.payload}` }));
}

/** I3: a message has one seq in an inbox. */
export function severalPlaces(journal: readonly Entry[]): Violation[] {
  const places = grouped(direct(journal), (entry) => `${named(entry)} at ${entry.node}`);
  return [...places].flatMap(([name, entries]): Violation[] => {
    const seqs = new Set(entries.map(({ seq }) => seq));
    return seqs.size > 1 ? [{ invariant: 'I3', text: `${name} stands at ${[...seqs].join(' and ')}` }] : [];
  });
}

/** I3: a reader that drops seqs it had already sees each message once. */
export function effectsTwice(journal: readonly Entry[]): Violation[] {
  const violations: Violation[] = [];
  for (const entries of grouped(direct(journal), ({ reader }) => reader).values()) {
    const done = new Set<string>();
    let last = 0;
    for (const entry of entries.filter(({ seq }) => seq > last && (last = seq))) {
      if (done.has(named(entry))) violations.push({ invariant: 'I3', text: `${named(entry)} had its effect twice` });
      done.add(named(entry));
    }
  }
  return violations;
}

/** I4: first in, first out in each lane. */
export function overtaken(journal: readonly Entry[]): Violation[] {
  const place = new Map(direct(journal).map((entry) => [named(entry), entry.seq]));
  const violations: Violation[] = [];
  for (const lane of grouped(of(journal, 'sent'), ({ lane: name, dest }) => `${name} → ${dest}`).values()) {
    let highest = 0;
    for (const entry of lane) {
      const seq = place.get(nameOf(entry));
      if (seq === undefined) continue;
      if (seq < highest) violations.push({ invariant: 'I4', text: `${nameOf(entry)} was overtaken` });
      highest = Math.max(highest, seq);
    }
  }
  return violations;
}

/** I8: what was refused for good at last is never delivered. */
export function refusedButRead(journal: readonly Entry[]): Violation[] {
  const last = new Map<string, boolean>();
  for (const entry of journal) {
    if (entry.what === 'confirmed' || entry.what === 'sent') last.set(nameOf(entry), false);
    if (entry.what === 'refused') last.set(nameOf(entry), entry.retryAfterMs === undefined);
  }
  const read = new Set(of(journal, 'received').map(named));
  return [...last]
    .filter(([name, refused]) => refused && read.has(name))
    .map(([name]) => ({ invariant: 'I8', text: `${name} was refused for good and delivered` }));
}
