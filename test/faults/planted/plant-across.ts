import { type Entry, named, of, type Of } from '../checker/index.js';
import type { Random } from '../harness/random.js';
import type { Planted } from './plant.js';

/** What a reader got over a link, from the middle of the run. */
function someAcross(journal: readonly Entry[], random: Random): Of<'received'> {
  const all = of(journal, 'received').filter(({ reader }) => reader.endsWith('/there'));
  return random.pick(all.slice(Math.floor(all.length / 4), Math.floor((all.length * 3) / 4)));
}

/** No hint of it came to the server node of a reader, and no poll ever found it, nor anything behind it. */
function neverMended(journal: readonly Entry[], random: Random): Entry[] {
  const { reader, seq } = someAcross(journal, random);
  return journal.filter((entry) => entry.what !== 'received' || entry.reader !== reader || entry.seq < seq);
}

/** Of two readers of an inbox, at two server nodes, one was passed over. */
function oneServerOnly(journal: readonly Entry[], random: Random): Entry[] {
  const { reader, seq } = someAcross(journal, random);
  return journal.filter((entry) => entry.what !== 'received' || entry.reader !== reader || entry.seq !== seq);
}

/** A server node that hears nothing of another one takes those who are connected there for offline. */
function calledOffline(journal: readonly Entry[], random: Random): Entry[] {
  const got = someAcross(journal, random);
  const { src, dest, id, at = 0 } = of(journal, 'sent').find((entry) => entry.id === got.id && entry.src === got.src)!;
  const told: Entry = { what: 'offline', src, dest, id, at: at + 1 };
  const place = journal.findIndex((entry) => (entry.at ?? 0) > at + 1);
  return journal.toSpliced(place, 0, told);
}

/** The other reader of the same inbox, whose server node has its sender, has two messages in each other's place. */
function ownOrder(journal: readonly Entry[], random: Random): Entry[] {
  const { reader, seq } = someAcross(journal, random);
  const rows = of(journal, 'received').filter((entry) => entry.reader === reader);
  const [one, other] = [seq, seq + 1].map((n) => rows.find((entry) => entry.seq === n));
  if (!one || !other || named(one) === named(other)) return [...journal];
  return journal.map((entry): Entry => {
    if (entry.what !== 'received' || entry.reader !== reader) return entry;
    const instead = entry.seq === one.seq ? other : entry.seq === other.seq ? one : entry;
    return { ...entry, src: instead.src, id: instead.id, payload: instead.payload };
  });
}

/** In a run with three server nodes. */
export const PLANTED_ACROSS: readonly Planted[] = [
  { name: 'never mended', seenAs: 'I12', plant: neverMended },
  { name: 'one server only', seenAs: 'I1', plant: oneServerOnly },
  { name: 'order of its own', seenAs: 'I5', plant: ownOrder },
  { name: 'called offline', seenAs: 'presence', plant: calledOffline },
];
