import type { Message } from '../../protocol/index.js';

export type SessionType = 'normal' | 'game';

/** From which entries on a member may read: those of its own stays, or all. */
export type HistoryPolicy = 'joined' | 'all';

/** What was settled when a session was created. */
export interface Terms {
  readonly type: SessionType;
  /** The node that created it … */
  readonly owner: string;
  /** … and whether it became a member: a trusted backend does not. */
  readonly isOwnerMember: boolean;
  /** In a game: the node that everybody hears. */
  readonly master: string | null;
  readonly anyoneCanJoin: boolean;
  /** Messages go to so many of the newest members; 0: to all. */
  readonly notifyLimit: number;
  readonly history: HistoryPolicy;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Who calls, and by what right. */
export interface Caller {
  readonly nodeId: string;
  readonly clientId: string | null;
  /** A trusted backend. */
  readonly trusted: boolean;
}

/** A message to a group from somebody. */
export interface GroupMessage {
  readonly sender: Caller;
  readonly message: Message;
  /** The sender's own, or the one that it was given. */
  readonly id: string;
}

export interface NewMember {
  readonly nodeId: string;
  readonly anonymous: boolean;
  readonly alias?: string;
}

export interface NewSession {
  readonly sessionId?: string;
  readonly type: SessionType;
  readonly masterNodeId?: string;
  readonly anyoneCanJoin: boolean;
  /** The creator's own seat is an anonymous one. */
  readonly anonymous: boolean;
  readonly notifyLimit: number;
  readonly history: HistoryPolicy;
  readonly members: readonly NewMember[];
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** A member as the one who asks may see it: by node id, by alias, or (a trusted backend) by both. */
export interface MemberView {
  readonly nodeId?: string;
  readonly alias?: string;
  readonly anonymous: boolean;
  readonly role: 'owner' | 'master' | 'member';
}

export interface SessionView {
  readonly sessionId: string;
  readonly terms: Terms;
  /** As the one who asks may see them; null when they left or there is none. */
  readonly owner: string | null;
  readonly master: string | null;
  readonly createdAt: number;
  /** A page, sorted by what they are known by. */
  readonly members: readonly MemberView[];
  /** Where the next page begins; null at the end. */
  readonly nextMembersCursor: string | null;
  readonly you: { readonly nodeId: string; readonly alias?: string } | null;
}

/** Bounds by entry number, exclusive; with `before` only, the last ones are meant. */
export interface EntryQuery {
  readonly after?: number;
  readonly before?: number;
  readonly limit?: number;
}

export interface EntryPage {
  /** Frame texts with `session_seq` and without `seq`. */
  readonly frames: readonly string[];
  readonly tail: number;
  readonly complete: boolean;
}
