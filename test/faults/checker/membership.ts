import { type Entry, grouped, type Of } from './entries.js';

type Change = Of<'joined' | 'left' | 'unsure'>;

/** Whether a node was in a group all of some time, was out all of it, or nobody can say. */
export interface Standing {
  readonly is: 'in' | 'out' | 'unsure';
  /** What it was known by, as far as its last join says. */
  readonly alias?: string;
}

const UNSURE: Standing = { is: 'unsure' };

/** Who surely was a member and who surely was not, as far as the answers to calls tell those who made them. */
export class Membership {
  private readonly changes: ReadonlyMap<string, readonly Change[]>;

  constructor(journal: readonly Entry[]) {
    this.changes = grouped(journal.filter(isChange), ({ group, node }) => `${group} ${node}`);
  }

  /** All that were ever in it. */
  nodesOf(group: string): string[] {
    const all = [...this.changes.values()].flat();
    return [...new Set(all.filter((change) => change.group === group).map(({ node }) => node))];
  }

  /** Every name that a node ever had in it. */
  namesOf(group: string, node: string): Set<string> {
    const known = this.changes.get(`${group} ${node}`) ?? [];
    return new Set([node, ...known.flatMap((change) => change.alias ?? [])]);
  }

  /** Whether it is known of each call about the node what came of it. */
  isSureOf(group: string, node: string): boolean {
    return (this.changes.get(`${group} ${node}`) ?? []).every(({ what }) => what !== 'unsure');
  }

  /** From and to: monotonic ms. A call may have had its effect at any time between its asking and its answer. */
  during(group: string, node: string, from: number, to: number): Standing {
    const begun = (this.changes.get(`${group} ${node}`) ?? []).filter((change) => askedAt(change) <= to);
    const done = begun.filter(({ at = 0 }) => at < from);
    const latestAsked = Math.max(-Infinity, ...done.map(askedAt));
    // Whatever was answered before another was asked for is not the last any more.
    const last = done.filter(({ at = 0 }) => at >= latestAsked);
    const meanwhile = begun.filter(({ at = 0 }) => at >= from);
    const is = last.length === 0 ? 'out' : standingBehind(last);
    if (is === 'unsure' || meanwhile.some(({ what }) => !keeps(what, is))) return UNSURE;
    const alias = last.at(-1)?.alias;
    return { is, ...(last.length === 1 && meanwhile.length === 0 && alias !== undefined && { alias }) };
  }
}

function isChange(entry: Entry): entry is Change {
  return entry.what === 'joined' || entry.what === 'left' || entry.what === 'unsure';
}

function askedAt({ askedAt: asked, at = 0 }: Change): number {
  return asked ?? at;
}

function standingBehind(last: readonly Change[]): Standing['is'] {
  if (last.every(({ what }) => what === 'joined')) return 'in';
  return last.every(({ what }) => what === 'left') ? 'out' : 'unsure';
}

function keeps(what: Change['what'], is: 'in' | 'out'): boolean {
  return what === (is === 'in' ? 'joined' : 'left');
}
