import { type Entry, named, nameOf, of, type Of } from '../checker/index.js';
import type { Invariant } from '../checker/index.js';
import type { Random } from '../harness/random.js';

type Received = Of<'received'>;
type GroupRow = Received & { group: string; groupSeq: number };

/** A fault as it would look to everybody who wrote something down, put into the journal of a sound run. */
export interface Planted {
  readonly name: string;
  /** One of these has to be seen. */
  readonly seenAs: Invariant;
  plant(journal: readonly Entry[], random: Random): Entry[];
}

const LATER_MS = 15_000;
const LOST_ROWS = 3;

/** A message of a session in the middle of an inbox. */
function someOfSession(journal: readonly Entry[], random: Random): GroupRow {
  const all = of(journal, 'received').filter((entry): entry is GroupRow => entry.groupSeq !== undefined);
  const raw = all.filter(({ reader, event }) => reader.endsWith('/raw') && event === undefined);
  return random.pick(raw.slice(Math.floor(raw.length / 4), Math.floor((raw.length * 3) / 4)));
}

/** A message in the middle of an inbox. */
function someMessage(journal: readonly Entry[], random: Random): Received {
  const all = of(journal, 'received').filter(({ reader, group }) => reader.endsWith('/raw') && group === undefined);
  return random.pick(all.slice(Math.floor(all.length / 4), Math.floor((all.length * 3) / 4)));
}

/** All that was read in an inbox, changed or, by `undefined`, left out. */
function inInbox(journal: readonly Entry[], node: string, change: (entry: Received) => Received[]): Entry[] {
  return journal.flatMap((entry): Entry[] =>
    entry.what === 'received' && entry.node === node ? change(entry) : [entry],
  );
}

/** What the other openings and tails say has to fit, or the plant is found by the wrong thing. */
function shifted(journal: readonly Entry[], node: string, from: number, by: number): Entry[] {
  return journal.map((entry): Entry => {
    if (!('node' in entry) || entry.node !== node) return entry;
    if (entry.what === 'opened' && entry.after >= from) return { ...entry, after: entry.after + by };
    if ((entry.what === 'tail' || entry.what === 'acked') && entry.seq >= from)
      return { ...entry, seq: entry.seq + by };
    return entry;
  });
}

/** The log never had it: later rows stand one place before. */
function withoutRow(journal: readonly Entry[], { node, seq }: Received): Entry[] {
  const rows = inInbox(journal, node, (entry) => {
    if (entry.seq === seq) return [];
    return [entry.seq > seq ? { ...entry, seq: entry.seq - 1 } : entry];
  });
  return shifted(rows, node, seq, -1);
}

function drop(journal: readonly Entry[], random: Random): Entry[] {
  return withoutRow(journal, someMessage(journal, random));
}

function duplicate(journal: readonly Entry[], random: Random): Entry[] {
  const { node, seq } = someMessage(journal, random);
  const rows = inInbox(journal, node, (entry) => {
    if (entry.seq === seq) return [entry, { ...entry, seq: seq + 1 }];
    return [entry.seq > seq ? { ...entry, seq: entry.seq + 1 } : entry];
  });
  return shifted(rows, node, seq + 1, 1);
}

/** Two messages of one sender stand in each other's place in the log. */
function swap(journal: readonly Entry[], random: Random): Entry[] {
  const first = someMessage(journal, random);
  const second = of(journal, 'received').find(
    ({ reader, src, seq, group }) =>
      reader === first.reader && src === first.src && seq > first.seq && group === undefined,
  ) as Received;
  const instead = new Map([
    [first.seq, second],
    [second.seq, first],
  ]);
  return inInbox(journal, first.node, (entry) => {
    const { src, id, payload } = instead.get(entry.seq) ?? entry;
    return [{ ...entry, src, id, payload }];
  });
}

/** The receipt came before the commit, and then the server was killed. */
function earlyReceipt(journal: readonly Entry[], random: Random): Entry[] {
  const killed = random.pick(of(journal, 'fault').filter(({ text }) => text === 'kill -9')).at ?? 0;
  const sessions = new Set(of(journal, 'sent').flatMap(({ group }) => group ?? []));
  const early = of(journal, 'confirmed').filter(({ at = 0, dest }) => at < killed && !sessions.has(dest));
  const confirmed = early.at(-1) as Of<'confirmed'>;
  const row = of(journal, 'received').find((entry) => named(entry) === nameOf(confirmed)) as Received;
  return withoutRow(journal, row);
}

/** What was confirmed and read before the power went was never on the disk: its places are given again. */
function syncOff(journal: readonly Entry[], random: Random): Entry[] {
  const killed = random.pick(of(journal, 'fault').filter(({ text }) => text === 'kill -9')).at ?? 0;
  const { node, seq: last } = of(journal, 'received').findLast(({ at = 0 }) => at < killed) as Received;
  return inInbox(journal, node, (entry) => {
    if ((entry.at ?? 0) < killed) return [entry];
    if (entry.seq > last) return [{ ...entry, seq: entry.seq - LOST_ROWS }];
    return entry.seq > last - LOST_ROWS ? [] : [entry];
  });
}

/** Two rows have one place. */
function seqReuse(journal: readonly Entry[], random: Random): Entry[] {
  const { node, seq } = someMessage(journal, random);
  const rows = inInbox(journal, node, (entry) => [entry.seq > seq ? { ...entry, seq: entry.seq - 1 } : entry]);
  return shifted(rows, node, seq + 1, -1);
}

function wrongSource(journal: readonly Entry[], random: Random): Entry[] {
  const { node, seq, src } = someMessage(journal, random);
  const others = [...new Set(of(journal, 'sent').map((entry) => entry.src))].filter((other) => other !== src);
  const other = random.pick(others);
  return inInbox(journal, node, (entry) => [entry.seq === seq ? { ...entry, src: other } : entry]);
}

/** Who has left a session hears on. */
function staleMember(journal: readonly Entry[], random: Random): Entry[] {
  const { group, node, payload } = someOfSession(journal, random);
  const sentAt = of(journal, 'sent').find((entry) => entry.group === group && entry.payload === payload)?.at ?? 0;
  const left: Entry = { what: 'left', group, node, askedAt: sentAt - 2, at: sentAt - 1 };
  return [...journal, left].toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0));
}

/** Whoever left the session before speaks on in it, and is heard. */
function staleSpeaker(journal: readonly Entry[], random: Random): Entry[] {
  const { group, payload } = someOfSession(journal, random);
  const sent = of(journal, 'sent').find((entry) => entry.group === group && entry.payload === payload) as Of<'sent'>;
  const left: Entry = { what: 'left', group, node: sent.src, askedAt: (sent.at ?? 0) - 2, at: (sent.at ?? 0) - 1 };
  return [...journal, left].toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0));
}

/** One member has two messages of a session in each other's place. */
function sessionSwap(journal: readonly Entry[], random: Random): Entry[] {
  const first = someOfSession(journal, random);
  const second = of(journal, 'received').find(
    ({ reader, group, seq }) => reader === first.reader && group === first.group && seq > first.seq,
  ) as GroupRow;
  const instead = new Map([
    [first.seq, second],
    [second.seq, first],
  ]);
  return inInbox(journal, first.node, (entry) => {
    const { src, id, payload, groupSeq = 0 } = instead.get(entry.seq) ?? entry;
    return [instead.has(entry.seq) ? { ...entry, src, id, payload, groupSeq } : entry];
  });
}

/** One member was forgotten when a message of the session was driven. */
function sessionDrop(journal: readonly Entry[], random: Random): Entry[] {
  return withoutRow(journal, someOfSession(journal, random));
}

/** A session's message was driven twice to one member. */
function sessionTwice(journal: readonly Entry[], random: Random): Entry[] {
  const { node, seq } = someOfSession(journal, random);
  const rows = inInbox(journal, node, (entry) => {
    if (entry.seq === seq) return [entry, { ...entry, seq: seq + 1 }];
    return [entry.seq > seq ? { ...entry, seq: entry.seq + 1 } : entry];
  });
  return shifted(rows, node, seq + 1, 1);
}

/** An id that only an anonymous one knows stands in what others read. */
function idLeak(journal: readonly Entry[], random: Random): Entry[] {
  const found = someMessage(journal, random);
  const name = named(found);
  const [text, id] = ['canary-7f3a', `${found.id}-canary-7f3a`];
  const renamed = journal.map((entry): Entry => {
    if (entry.what === 'received') return named(entry) === name ? { ...entry, id } : entry;
    if (entry.what !== 'sent' && entry.what !== 'confirmed' && entry.what !== 'refused') return entry;
    return nameOf(entry) === name ? { ...entry, id } : entry;
  });
  return [{ what: 'secret', text, entitled: [found.src], at: 0 }, ...renamed];
}

/** A connected reader is not told, until something else wakes it. */
function lostWakeUp(journal: readonly Entry[], random: Random): Entry[] {
  const lastReturn = of(journal, 'fault').findLast(({ text }) => text === 'ready')?.at ?? 0;
  const opened = of(journal, 'opened').filter(({ reader }) => reader.endsWith('/raw'));
  const { reader } = random.pick(opened);
  const since = Math.max(lastReturn, opened.findLast((entry) => entry.reader === reader)?.at ?? 0);
  const waiting = of(journal, 'received').filter((entry) => entry.reader === reader && (entry.at ?? 0) > since);
  const from = (waiting[Math.floor(waiting.length / 2)] as Received).at ?? 0;
  const held = journal.map((entry): Entry => {
    if (entry.what !== 'received' || entry.reader !== reader || (entry.at ?? 0) < from) return entry;
    return { ...entry, at: (entry.at ?? 0) + LATER_MS };
  });
  return held.toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0));
}

export const PLANTED: readonly Planted[] = [
  { name: 'drop', seenAs: 'I1', plant: drop },
  { name: 'duplicate', seenAs: 'I3', plant: duplicate },
  { name: 'swap', seenAs: 'I4', plant: swap },
  { name: 'early receipt', seenAs: 'I1', plant: earlyReceipt },
  { name: 'sync off', seenAs: 'I1', plant: syncOff },
  { name: 'seq reuse', seenAs: 'I5', plant: seqReuse },
  { name: 'wrong src', seenAs: 'I2', plant: wrongSource },
  { name: 'stale member', seenAs: 'I10', plant: staleMember },
  { name: 'stale speaker', seenAs: 'I10', plant: staleSpeaker },
  { name: 'session swap', seenAs: 'I5', plant: sessionSwap },
  { name: 'session drop', seenAs: 'I1', plant: sessionDrop },
  { name: 'session twice', seenAs: 'I3', plant: sessionTwice },
  { name: 'id leak', seenAs: 'I11', plant: idLeak },
  { name: 'lost wake-up', seenAs: 'I12', plant: lostWakeUp },
];
