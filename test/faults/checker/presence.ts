import { type Entry, nameOf, of, type Violation } from './entries.js';

/** Presence: whoever has a connection, wherever it is, from before a message was sent on, is not called offline for it. */
export function calledOffline(journal: readonly Entry[]): Violation[] {
  const offline = of(journal, 'offline');
  if (offline.length === 0) return [];
  const sentAt = new Map(of(journal, 'sent').map((entry) => [nameOf(entry), entry.at ?? 0]));
  const stays = staysOf(journal);
  return offline.flatMap((entry): Violation[] => {
    const [from, to] = [sentAt.get(nameOf(entry)) ?? Infinity, entry.at ?? 0];
    const there = (stays.get(entry.dest) ?? []).find((stay) => stay.from < from && stay.to > to);
    if (!there) return [];
    return [{ invariant: 'presence', text: `${nameOf(entry)}: called offline while ${there.reader} was connected` }];
  });
}

interface Stay {
  readonly reader: string;
  readonly from: number;
  to: number;
}

/** When readers of a node were connected, by what they saw themselves. */
function staysOf(journal: readonly Entry[]): Map<string, Stay[]> {
  const stays = new Map<string, Stay[]>();
  const open = new Map<string, Stay>();
  for (const entry of journal) {
    const { at = 0 } = entry;
    if (entry.what === 'closed' || entry.what === 'live') {
      const name = entry.what === 'closed' ? entry.client : entry.reader;
      const stay = open.get(name);
      if (stay) stay.to = at;
      open.delete(name);
    }
    if (entry.what !== 'opened' || entry.reader.endsWith('/final')) continue;
    const stay = { reader: entry.reader, from: at, to: Infinity };
    open.set(entry.reader, stay);
    const known = stays.get(entry.node);
    if (known) known.push(stay);
    else stays.set(entry.node, [stay]);
  }
  return stays;
}
