import { type LogRow, NO_TOTALS } from '../../src/modules/inbox/index.js';
import { encodeEntry, type Entry, type Seating } from '../../src/modules/sessions/group-entry.js';
import { GroupState } from '../../src/modules/sessions/group-state.js';
import type { Terms } from '../../src/modules/sessions/index.js';

export const TERMS: Terms = {
  type: 'normal',
  owner: 'ann',
  isOwnerMember: true,
  master: null,
  anyoneCanJoin: false,
  notifyLimit: 0,
  history: 'joined',
  metadata: {},
};

/** What stands for any frame: entries without one are for nobody. */
export const FRAME = '{"type":0}';

/** A node of this name, hidden if it has an alias. */
export function seat(nodeId: string, alias: string | null = null): Seating {
  return { nodeId, alias };
}

export function created(terms: Partial<Terms>, ...seats: readonly Seating[]): Entry {
  return { kind: 'created', terms: { ...TERMS, ...terms }, seats, frame: '' };
}

export function joined(nodeId: string, alias: string | null = null): Entry {
  return { kind: 'joined', seat: seat(nodeId, alias), frame: FRAME };
}

export function left(nodeId: string): Entry {
  return { kind: 'left', nodeId, frame: FRAME };
}

export function revealed(nodeId: string): Entry {
  return { kind: 'revealed', nodeId, frame: FRAME };
}

export function said(from: string, more: Partial<Extract<Entry, { kind: 'message' }>> = {}): Entry {
  return { kind: 'message', from, frame: FRAME, ...more };
}

export const ended: Entry = { kind: 'ended', frame: FRAME };

/** Entries as rows of a group's log, from its beginning. */
export function rowsOf(entries: readonly Entry[], log = 's:party'): LogRow[] {
  return entries.map((entry, index) => rowOf(entry, index + 1, log));
}

export function rowOf(entry: Entry, n: number, log = 's:party'): LogRow {
  const body = encodeEntry(entry);
  const rest = { digest: '', writer: `w${n}`, totals: NO_TOTALS, report: false };
  return { log, n, key: `k${n}`, at: 1_000 + n, body, ...rest };
}

/** The state that the entries add up to. */
export function stateOf(...entries: readonly Entry[]): GroupState {
  const state = new GroupState('s:party', 0, undefined, []);
  for (const row of rowsOf(entries)) state.apply(row);
  return state;
}
