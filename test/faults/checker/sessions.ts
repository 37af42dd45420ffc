import { type Entry, grouped, nameOf, of, type Of, type Violation } from './entries.js';
import { Membership } from './membership.js';

type Sent = Of<'sent'> & { group: string };
type Heard = Of<'received'> & { group: string; groupSeq: number };

/** A message of a group: what its sender wrote down of it, and what all its readers did. */
interface Said {
  readonly sent: Sent;
  readonly confirmed: boolean;
  /** It was in the log of its group at the latest then, ms. */
  readonly storedBy: number;
  readonly heard: readonly Heard[];
}

const atOf = ({ at = 0 }: { at?: number }): number => at;
const markOf = ({ group, payload }: { group: string; payload: string }): string => `${group} ${payload}`;

/** Judges what members of groups wrote down. What is of a group and not a message, a gap apart, counts in its order. */
export function judgeGroups(journal: readonly Entry[]): Violation[] {
  const heard = of(journal, 'received').filter((entry): entry is Heard => entry.groupSeq !== undefined);
  if (heard.length === 0 && !of(journal, 'sent').some(({ group }) => group !== undefined)) return [];
  const membership = new Membership(journal);
  const messages = heard.filter(({ event }) => event === undefined);
  const said = allSaid(journal, messages);
  return [
    ...notSaid(messages, said, membership),
    ...severalNumbers(messages),
    ...twice(messages),
    ...groupOrders(heard.filter(({ event }) => event !== 'gap')),
    ...overtakenInGroup(said),
    ...answeredBeforeAndBehind(said),
    ...heardByOthers(said, membership),
    ...acceptedFromOthers(said, membership),
    ...missed(journal, heard, said, membership),
  ];
}

function allSaid(journal: readonly Entry[], messages: readonly Heard[]): Map<string, Said> {
  const confirmedAt = new Map(of(journal, 'confirmed').map((entry) => [nameOf(entry), atOf(entry)]));
  const heard = grouped(messages, markOf);
  const sent = of(journal, 'sent').filter((entry): entry is Sent => entry.group !== undefined);
  return new Map(
    sent.map((entry) => {
      const readers = heard.get(markOf(entry)) ?? [];
      const confirmed = confirmedAt.get(nameOf(entry));
      const storedBy = readers.reduce((first, one) => Math.min(first, atOf(one)), confirmed ?? Infinity);
      return [markOf(entry), { sent: entry, confirmed: confirmed !== undefined, storedBy, heard: readers }];
    }),
  );
}

/** I2: somebody said so, and is shown as one of those whom it may be known as. */
function notSaid(messages: readonly Heard[], said: ReadonlyMap<string, Said>, members: Membership): Violation[] {
  return messages.flatMap((entry): Violation[] => {
    const sent = said.get(markOf(entry))?.sent;
    if (sent && members.namesOf(entry.group, sent.src).has(entry.src)) return [];
    return [{ invariant: 'I2', text: `${entry.node} heard ${entry.src} say ${entry.payload} in ${entry.group}` }];
  });
}

/** I3: a message has one number in its group. */
function severalNumbers(messages: readonly Heard[]): Violation[] {
  return [...grouped(messages, markOf)].flatMap(([mark, entries]): Violation[] => {
    const numbers = new Set(entries.map(({ groupSeq }) => groupSeq));
    return numbers.size > 1 ? [{ invariant: 'I3', text: `${mark} stands at ${[...numbers].join(' and ')}` }] : [];
  });
}

/** I3: a reader that drops seqs it had already hears each message once. */
function twice(messages: readonly Heard[]): Violation[] {
  const violations: Violation[] = [];
  for (const entries of grouped(messages, ({ reader }) => reader).values()) {
    const done = new Set<string>();
    let last = 0;
    for (const entry of entries.filter(({ seq }) => seq > last && (last = seq))) {
      const mark = markOf(entry);
      if (done.has(mark)) violations.push({ invariant: 'I3', text: `${entry.reader} heard ${mark} twice` });
      done.add(mark);
    }
  }
  return violations;
}

/** I5: one order for all members: an entry number stands for one thing, and rises in every inbox. */
function groupOrders(heard: readonly Heard[]): Violation[] {
  const places = grouped(heard, ({ group, groupSeq }) => `${group} at ${groupSeq}`);
  const severals = [...places].flatMap(([place, entries]): Violation[] => {
    const things = new Set(entries.map(({ event, id, payload }) => `${event ?? 'message'} ${id} ${payload}`));
    return things.size > 1 ? [{ invariant: 'I5', text: `${place}: ${[...things].join(' and ')}` }] : [];
  });
  const readers = grouped(heard, ({ reader, group }) => `${reader} of ${group}`);
  return [...severals, ...[...readers].flatMap(([name, entries]) => falls(name, entries))];
}

function falls(name: string, entries: readonly Heard[]): Violation[] {
  const inOrder = entries.toSorted((a, b) => a.seq - b.seq);
  return inOrder.slice(1).flatMap((entry, index): Violation[] => {
    const before = inOrder[index] as Heard;
    const isRising = entry.seq === before.seq || entry.groupSeq > before.groupSeq;
    return isRising ? [] : [{ invariant: 'I5', text: `${name}: ${entry.groupSeq} behind ${before.groupSeq}` }];
  });
}

/** I4: first in, first out in each lane. */
function overtakenInGroup(said: ReadonlyMap<string, Said>): Violation[] {
  const violations: Violation[] = [];
  const lanes = grouped([...said.values()], ({ sent: { lane, dest } }) => `${lane} → ${dest}`);
  for (const lane of lanes.values()) {
    let highest = 0;
    for (const { sent, heard } of lane) {
      const number = heard[0]?.groupSeq;
      if (number === undefined) continue;
      if (number < highest) violations.push({ invariant: 'I4', text: `${markOf(sent)} was overtaken` });
      highest = Math.max(highest, number);
    }
  }
  return violations;
}

/** I5: what was answered before another was sent comes first. */
function answeredBeforeAndBehind(said: ReadonlyMap<string, Said>): Violation[] {
  const violations: Violation[] = [];
  for (const all of grouped([...said.values()], ({ sent }) => sent.group).values()) {
    const numbered = all.filter(({ heard }) => heard.length > 0);
    const byAnswer = numbered.filter(({ confirmed }) => confirmed).toSorted((a, b) => a.storedBy - b.storedBy);
    let [next, highest] = [0, 0];
    for (const { sent, heard } of numbered.toSorted((a, b) => atOf(a.sent) - atOf(b.sent))) {
      for (; next < byAnswer.length && byAnswer[next]!.storedBy < atOf(sent); next += 1) {
        highest = Math.max(highest, byAnswer[next]!.heard[0]!.groupSeq);
      }
      if (heard[0]!.groupSeq > highest) continue;
      violations.push({ invariant: 'I5', text: `${markOf(sent)} is before what was answered before it was sent` });
    }
  }
  return violations;
}

/** I10: nothing reaches who was surely out all the time, nor anybody but the one that a private message is for. */
function heardByOthers(said: ReadonlyMap<string, Said>, members: Membership): Violation[] {
  return [...said.values()].flatMap(({ sent, storedBy, heard }) => {
    const { group, to, toName } = sent;
    return [...new Set(heard.map(({ node }) => node))].flatMap((node): Violation[] => {
      const { is, alias } = members.during(group, node, atOf(sent), storedBy);
      const isOtherStay = is === 'in' && toName?.startsWith('~') === true && alias !== undefined && alias !== toName;
      if (is !== 'out' && !isOtherStay && (to === undefined || to === node)) return [];
      return [{ invariant: 'I10', text: `${node} got ${sent.payload} of ${group}, which was not for it` }];
    });
  });
}

/** I10: nothing is accepted from who was surely out all the time. */
function acceptedFromOthers(said: ReadonlyMap<string, Said>, members: Membership): Violation[] {
  return [...said.values()].flatMap(({ sent, confirmed, storedBy, heard }): Violation[] => {
    if (sent.trusted || (!confirmed && heard.length === 0)) return [];
    if (members.during(sent.group, sent.src, atOf(sent), storedBy).is !== 'out') return [];
    return [{ invariant: 'I10', text: `${nameOf(sent)} was taken from who was not in the group` }];
  });
}

/** I1: what is stored reaches every reader of each node that was surely in all the time, or a gap names it. */
function missed(
  journal: readonly Entry[],
  heard: readonly Heard[],
  said: ReadonlyMap<string, Said>,
  members: Membership,
): Violation[] {
  const readers = new Readers(journal, heard, members);
  return [...said.values()].flatMap((one): Violation[] => {
    const { sent, confirmed, storedBy, heard: by } = one;
    if (!confirmed && by.length === 0) return [];
    const audience = sent.to === undefined ? members.nodesOf(sent.group) : [sent.to];
    return audience
      .filter((node) => node !== sent.src || sent.to === node)
      .filter((node) => isDue(one, node, readers, members.during(sent.group, node, atOf(sent), storedBy)))
      .flatMap((node) => readers.lacking(node, one))
      .map((reader) => ({ invariant: 'I1', text: `${nameOf(sent)} was stored and never reached ${reader}` }));
  });
}

/** By the answers to calls, or by the numbers between which the node heard itself come and go. */
function isDue(
  { sent, heard }: Said,
  node: string,
  readers: Readers,
  { is, alias }: ReturnType<Membership['during']>,
): boolean {
  const isSameStay = sent.toName?.startsWith('~') !== true || alias === sent.toName;
  if (is === 'in' && isSameStay) return true;
  const number = heard[0]?.groupSeq;
  return sent.to === undefined && number !== undefined && readers.isBetweenOwnEvents(node, sent.group, number);
}

/** What each reader had, and from where on it read. */
class Readers {
  private readonly ofNode = new Map<string, Map<string, number>>();
  private readonly had: ReadonlyMap<string, readonly Heard[]>;
  private readonly events = new Map<string, readonly Heard[]>();

  constructor(
    journal: readonly Entry[],
    heard: readonly Heard[],
    private readonly members: Membership,
  ) {
    this.had = grouped(heard, ({ reader, group }) => `${reader} ${group}`);
    for (const { node, reader, after } of of(journal, 'opened')) {
      const known = this.ofNode.get(node) ?? new Map<string, number>();
      if (!known.has(reader)) known.set(reader, after);
      this.ofNode.set(node, known);
    }
  }

  /** Readers of the node that did not get the message although it stands, or has to stand, where they read. */
  lacking(node: string, { sent, heard }: Said): string[] {
    const number = heard[0]?.groupSeq;
    const seq = heard.find((entry) => entry.node === node)?.seq ?? Infinity;
    const got = new Set(heard.map(({ reader }) => reader));
    return [...(this.ofNode.get(node) ?? [])]
      .filter(([reader, after]) => seq > after && !got.has(reader))
      .filter(([reader]) => number === undefined || !this.isInGap(reader, sent.group, number))
      .map(([reader]) => reader);
  }

  private isInGap(reader: string, group: string, number: number): boolean {
    const entries = this.had.get(`${reader} ${group}`) ?? [];
    return entries.some(({ event, groupSeq: from }, index) => {
      const next = entries[index + 1]?.groupSeq ?? Infinity;
      return event === 'gap' && from <= number && number < next;
    });
  }

  /** Whether the last that the node heard of itself before that number is that it came. */
  isBetweenOwnEvents(node: string, group: string, number: number): boolean {
    const reader = [...(this.ofNode.get(node) ?? [])].find(([, after]) => after === 0)?.[0];
    if (reader === undefined) return false;
    return this.ownEvents(reader, node, group).findLast(({ groupSeq }) => groupSeq < number)?.event === 'joined';
  }

  private ownEvents(reader: string, node: string, group: string): readonly Heard[] {
    const key = `${reader} ${group}`;
    const known = this.events.get(key);
    if (known) return known;
    const names = this.members.namesOf(group, node);
    const isOwn = ({ event, src }: Heard): boolean => (event === 'joined' || event === 'left') && names.has(src);
    // Whose calls were not all answered may have names that nobody knows.
    const own = this.members.isSureOf(group, node) ? (this.had.get(key) ?? []).filter(isOwn) : [];
    this.events.set(key, own);
    return own;
  }
}
