/** One line of what senders and readers wrote down, in the order in which it happened to them. */
export type Entry =
  /** A message was given to be sent. All of one lane go out in this order. */
  | { what: 'sent'; lane: string; src: string; dest: string; id: string; payload: string }
  /** There was a receipt: `stored` or `duplicate`. */
  | { what: 'confirmed'; src: string; dest: string; id: string }
  /** A reader of a node's inbox has everything up to `after`, and reads on from there. */
  | { what: 'opened'; reader: string; node: string; after: number }
  | { what: 'received'; reader: string; node: string; seq: number; src: string; id: string; payload: string }
  /** The server told how far the node has acknowledged. */
  | { what: 'acked'; node: string; seq: number };

export interface Violation {
  readonly invariant: 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7';
  readonly text: string;
}

type Of<W extends Entry['what']> = Extract<Entry, { what: W }>;

/**
 * Judges a recorded run that has come to rest: all senders have their answers and all readers have read to the tail.
 * I1 what was confirmed reached every reader · I2 what arrived was sent so by its source · I3 one seq for each message,
 * and each effect once · I4 first in, first out in each lane · I5 one order for all readers · I6 each reader sees seq
 * rise by one · I7 the acknowledged seq never goes back.
 */
export function checkJournal(journal: readonly Entry[]): Violation[] {
  return [
    ...confirmedButNotRead(journal),
    ...readButNotSent(journal),
    ...severalPlaces(journal),
    ...effectsTwice(journal),
    ...overtaken(journal),
    ...severalOrders(journal),
    ...jumps(journal),
    ...backwards(journal),
  ];
}

function of<W extends Entry['what']>(journal: readonly Entry[], what: W): Of<W>[] {
  return journal.filter((entry): entry is Of<W> => entry.what === what);
}

const nameOf = (src: string, dest: string, id: string): string => `${src} → ${dest} ${id}`;
const named = ({ src, node, id }: Of<'received'>): string => nameOf(src, node, id);

function grouped<T>(entries: readonly T[], key: (entry: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const entry of entries) {
    const group = groups.get(key(entry));
    if (group) group.push(entry);
    else groups.set(key(entry), [entry]);
  }
  return groups;
}

function confirmedButNotRead(journal: readonly Entry[]): Violation[] {
  const readers = new Map(of(journal, 'opened').map(({ reader, node }) => [reader, node]));
  const read = new Set(of(journal, 'received').map((entry) => `${entry.reader} ${named(entry)}`));
  const missing: Violation[] = [];
  for (const { src, dest, id } of of(journal, 'confirmed')) {
    for (const [reader, node] of readers) {
      const name = nameOf(src, dest, id);
      if (node !== dest || read.has(`${reader} ${name}`)) continue;
      missing.push({ invariant: 'I1', text: `${name} was confirmed and never reached ${reader}` });
    }
  }
  return missing;
}

function readButNotSent(journal: readonly Entry[]): Violation[] {
  const sent = new Map(of(journal, 'sent').map(({ src, dest, id, payload }) => [nameOf(src, dest, id), payload]));
  return of(journal, 'received')
    .filter((entry) => sent.get(named(entry)) !== entry.payload)
    .map((entry) => ({ invariant: 'I2', text: `${named(entry)} was not sent as ${entry.payload}` }));
}

function severalPlaces(journal: readonly Entry[]): Violation[] {
  return [...grouped(of(journal, 'received'), named)].flatMap(([name, entries]): Violation[] => {
    const seqs = new Set(entries.map(({ seq }) => seq));
    return seqs.size > 1 ? [{ invariant: 'I3', text: `${name} stands at ${[...seqs].join(' and ')}` }] : [];
  });
}

function effectsTwice(journal: readonly Entry[]): Violation[] {
  const violations: Violation[] = [];
  for (const entries of grouped(of(journal, 'received'), ({ reader }) => reader).values()) {
    const done = new Set<string>();
    let last = 0;
    for (const entry of entries.filter(({ seq }) => seq > last && (last = seq))) {
      if (done.has(named(entry))) violations.push({ invariant: 'I3', text: `${named(entry)} had its effect twice` });
      done.add(named(entry));
    }
  }
  return violations;
}

function overtaken(journal: readonly Entry[]): Violation[] {
  const place = new Map(of(journal, 'received').map((entry) => [named(entry), entry.seq]));
  const violations: Violation[] = [];
  for (const lane of grouped(of(journal, 'sent'), ({ lane: name, dest }) => `${name} → ${dest}`).values()) {
    let highest = 0;
    for (const { src, dest, id } of lane) {
      const seq = place.get(nameOf(src, dest, id));
      if (seq === undefined) continue;
      if (seq < highest) violations.push({ invariant: 'I4', text: `${nameOf(src, dest, id)} was overtaken` });
      highest = Math.max(highest, seq);
    }
  }
  return violations;
}

function severalOrders(journal: readonly Entry[]): Violation[] {
  const places = grouped(of(journal, 'received'), ({ node, seq }) => `${node} at ${seq}`);
  return [...places].flatMap(([place, entries]): Violation[] => {
    const names = new Set(entries.map(named));
    return names.size > 1 ? [{ invariant: 'I5', text: `${place}: ${[...names].join(' and ')}` }] : [];
  });
}

function jumps(journal: readonly Entry[]): Violation[] {
  const position = new Map<string, number>();
  const violations: Violation[] = [];
  for (const entry of journal) {
    if (entry.what === 'opened') position.set(entry.reader, entry.after);
    if (entry.what !== 'received') continue;
    const last = position.get(entry.reader) ?? 0;
    if (entry.seq !== last + 1) {
      violations.push({ invariant: 'I6', text: `${entry.reader} got ${entry.seq} behind ${last}` });
    }
    position.set(entry.reader, entry.seq);
  }
  return violations;
}

function backwards(journal: readonly Entry[]): Violation[] {
  return [...grouped(of(journal, 'acked'), ({ node }) => node)].flatMap(([node, entries]) =>
    entries.slice(1).flatMap(({ seq }, index): Violation[] => {
      const before = entries[index]?.seq ?? 0;
      return seq < before ? [{ invariant: 'I7', text: `${node} went from ${before} back to ${seq}` }] : [];
    }),
  );
}
