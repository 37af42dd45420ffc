import { type InboxLog, inboxLogOf, type LogRow, sessionLogOf } from '../../inbox/index.js';
import { logRow } from '../../inbox/testing/index.js';
import type { GroupLog, GroupRecord, Stay } from '../group-log.js';

/** Adapters of one store as one server node has them. */
export interface GroupStore {
  readonly groups: GroupLog;
  readonly log: InboxLog;
}

/** A store made for one test. */
export interface OpenGroupLog extends GroupStore {
  /** Other adapters on the same store, as another server node has them. */
  readonly second: () => Promise<GroupStore>;
  /** Closes all adapters and opens the store anew. */
  readonly reopen: () => Promise<GroupStore>;
  readonly close: () => Promise<void>;
}

/** Opens an empty store. */
export type GroupLogHarness = () => Promise<OpenGroupLog>;

/** Runs one test on a store of its own. */
export function withGroups(open: GroupLogHarness, test: (opened: OpenGroupLog) => Promise<void>): () => Promise<void> {
  return async () => {
    const opened = await open();
    try {
      await test(opened);
    } finally {
      await opened.close();
    }
  };
}

export const G = sessionLogOf('g');
/** Another group whose name begins with that of `G`. */
export const G2 = sessionLogOf('g2');
export const INBOX = inboxLogOf('a');
/** More than any test writes. */
export const ALL = 10_000;

/** A stay as a caller would build it: one that lasts, of a visible member. */
export function stay(nodeId: string, joined: number, changes: Partial<Stay> = {}): Stay {
  return { nodeId, joined, left: null, alias: null, revealed: null, issuedAt: 0, ...changes };
}

export function groupRecord(changes: Partial<GroupRecord> = {}): GroupRecord {
  return { created: '{"name":"größe 😀"}', createdAt: 1_700_000_000_000, ended: null, ...changes };
}

/** Entry n of a group, not driven yet. */
export function openRow(log: string, n: number, changes: Partial<LogRow> = {}): LogRow {
  return logRow(log, n, { open: true, ...changes });
}

/** Stays in one order, whatever order they came in. */
export function sorted(stays: readonly Stay[]): Stay[] {
  return stays.toSorted((a, b) => a.joined - b.joined || (a.nodeId < b.nodeId ? -1 : 1));
}
