import { type Entry, grouped, named, of, type Violation } from './entries.js';

/** I5: one order for all readers of a node. */
export function severalOrders(journal: readonly Entry[]): Violation[] {
  const places = grouped(of(journal, 'received'), ({ node, seq }) => `${node} at ${seq}`);
  return [...places].flatMap(([place, entries]): Violation[] => {
    const names = new Set(entries.map(named));
    return names.size > 1 ? [{ invariant: 'I5', text: `${place}: ${[...names].join(' and ')}` }] : [];
  });
}

/** I6: each reader sees seq rise by one. */
export function jumps(journal: readonly Entry[]): Violation[] {
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

/** I7: the acknowledged seq of a node never goes back, as far as one and the same client can tell. */
export function backwards(journal: readonly Entry[]): Violation[] {
  const heard = grouped(of(journal, 'acked'), ({ node, by = '' }) => `${node} ${by}`);
  return [...heard.values()].flatMap((entries) =>
    entries.slice(1).flatMap(({ node, seq }, index): Violation[] => {
      const before = entries[index]?.seq ?? 0;
      return seq < before ? [{ invariant: 'I7', text: `${node} went from ${before} back to ${seq}` }] : [];
    }),
  );
}

/** I9: an inbox keeps its epoch as long as its store is neither destroyed nor taken back. */
export function otherEpochs(journal: readonly Entry[]): Violation[] {
  let epochs = new Map<string, string>();
  const violations: Violation[] = [];
  for (const entry of journal) {
    if (entry.what === 'restored') epochs = new Map();
    if (entry.what !== 'opened' || entry.epoch === undefined) continue;
    const before = epochs.get(entry.node) ?? entry.epoch;
    if (before !== entry.epoch) {
      violations.push({ invariant: 'I9', text: `${entry.node} went from epoch ${before} to ${entry.epoch}` });
    }
    epochs.set(entry.node, entry.epoch);
  }
  return violations;
}

/** I11, its coarse half: a text that names an anonymous one reaches nobody who is not entitled. */
export function leaks(journal: readonly Entry[]): Violation[] {
  const secrets = of(journal, 'secret');
  if (secrets.length === 0) return [];
  return of(journal, 'received').flatMap(({ node, src, id, payload }) =>
    secrets
      .filter(({ text, entitled }) => !entitled.includes(node) && `${src} ${id} ${payload}`.includes(text))
      .map(({ text }): Violation => ({ invariant: 'I11', text: `${node} heard ${text}` })),
  );
}
