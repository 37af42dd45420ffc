/**
 * One time of a node in a group: it covers the entries from `joined` on that are before `left`. Joining again is a new
 * stay. A projection of the group's log: applying an entry twice gives the same rows.
 */
export interface Stay {
  readonly nodeId: string;
  /** Number of the entry that it began with. */
  readonly joined: number;
  /** Number of the entry that it ended with; null as long as it lasts. */
  readonly left: number | null;
  /** What the others know it by; null for a visible member. */
  readonly alias: string | null;
  /** Number of the entry with which an anonymous member revealed itself. */
  readonly revealed: number | null;
  /** Of a client's group: `iat` of the key that the last change followed, seconds; 0 elsewhere. */
  readonly issuedAt: number;
}

/** What does not change in the life of a group. */
export interface GroupRecord {
  /** What was settled when it was created, as text. */
  readonly created: string;
  /** When that was, ms since 1970. */
  readonly createdAt: number;
  /** Number of the entry that ended it; null as long as it lives. */
  readonly ended: number | null;
}

export interface OpenEntry {
  /** The group's log. */
  readonly log: string;
  /** Number of its first entry that is open. */
  readonly n: number;
}

/**
 * What is kept of groups beside their logs: stays and records, which are a projection of the logs and may run ahead of
 * what was driven, and which entries are open. An adapter stores and finds; it decides nothing. Every method rejects
 * with `StoreUnavailable` within the store's deadline when no answer can be had. Every read sees all that was answered
 * as durable to anybody before it began.
 */
export abstract class GroupLog {
  /** The record, `undefined` where none was written, and the stays that last or ended behind `after`, in no order. */
  abstract load(log: string, after: number): Promise<{ record: GroupRecord | undefined; stays: Stay[] }>;

  /**
   * Writes stays, each under (log, node, joined), and the record if one is given. Of what is there already only `left`,
   * `revealed`, `issuedAt` and `ended` change, and only from null, or to a higher one: a late writer takes nothing back.
   * At most 256 stays a call. Durable when it resolves; after a rejection some of it may be.
   */
  abstract project(log: string, stays: readonly Stay[], record?: GroupRecord): Promise<void>;

  /** All stays of one node in a group, oldest first. */
  abstract staysOf(log: string, nodeId: string): Promise<Stay[]>;

  /** Whether any stay of the group, ended ones included, has this alias. */
  abstract hasAlias(log: string, alias: string): Promise<boolean>;

  /** Logs of the groups in which a stay of the node lasts, ascending, behind `after` (exclusive; '' for the first). */
  abstract groupsOf(nodeId: string, after: string, limit: number): Promise<string[]>;

  /**
   * The first open entry of each group that has one, ascending by log, behind `after` (exclusive; '' for the first).
   * A row is open from its insert on (`LogRow.open`) until `close`.
   */
  abstract open(after: string, limit: number): Promise<OpenEntry[]>;

  /** No entry up to n is open any more. Durable when it resolves. */
  abstract close(log: string, upTo: number): Promise<void>;
}
