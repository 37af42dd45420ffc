import { type Entry, named, nameOf, of } from '../checker/index.js';

/** How long (ms) a message took from its sending to one reader, and whether both were at different server nodes. */
export interface Passage {
  readonly ms: number;
  readonly sentAt: number;
  readonly crossed: boolean;
}

/** One of each message and each live reader, of those whose server nodes are known. */
export function passages(journal: readonly Entry[], dests = /./): Passage[] {
  const place = new Map<string, string>();
  const sent = new Map<string, { at: number; server: string }>();
  const seen = new Set<string>();
  const found: Passage[] = [];
  for (const entry of journal) {
    if (entry.what === 'connected' && entry.server !== undefined) place.set(entry.client, entry.server);
    if (entry.what === 'sent' && dests.test(entry.dest)) {
      sent.set(nameOf(entry), { at: entry.at ?? 0, server: place.get(entry.src) ?? '' });
    }
    if (entry.what !== 'received' || entry.reader.endsWith('/final')) continue;
    const message = sent.get(named(entry));
    const once = `${entry.reader} ${named(entry)}`;
    if (!message || seen.has(once)) continue;
    seen.add(once);
    const crossed = message.server !== place.get(entry.reader);
    found.push({ ms: (entry.at ?? 0) - message.at, sentAt: message.at, crossed });
  }
  return found;
}

/** How long (ms) clients were away, each time, from losing a connection until the next one. */
export function absences(journal: readonly Entry[]): number[] {
  const lost = new Map<string, number>();
  const away: number[] = [];
  const ended = of(journal, 'healed').at(-1)?.at ?? Infinity;
  for (const entry of journal) {
    const { at = 0 } = entry;
    if (entry.what === 'closed' && at < ended && !lost.has(entry.client)) lost.set(entry.client, at);
    if (entry.what !== 'connected') continue;
    const since = lost.get(entry.client);
    if (since !== undefined) away.push(at - since);
    lost.delete(entry.client);
  }
  return [...away, ...Array.from(lost.values(), () => Infinity)];
}
