import {
  camelKeys,
  type Destination,
  type HistoryPage,
  type HistoryRange,
  parseHistoryPage,
  snakeKeys,
} from './frames.js';
import { type HttpApi, queryOf } from './http.js';

/** A member as the caller may see it: anonymous ones by `alias` only, to a trusted backend by both. */
export interface SessionMember {
  nodeId?: string;
  alias?: string;
  anonymous: boolean;
  role: 'owner' | 'master' | 'member';
}

export interface SessionSummary {
  sessionId: string;
  /** In a game members reach the master only, and only the master reaches all. */
  type: 'normal' | 'game';
  /** Null when the owner left; an anonymous one by its alias, as the master is. */
  owner: string | null;
  master: string | null;
  anyoneCanJoin: boolean;
  /** Messages go to so many of the newest members only; 0: to all. */
  notifyLimit: number;
  history: 'joined' | 'all';
  /** Ms since 1970. */
  createdAt: number;
  metadata: Record<string, unknown>;
  /** The caller's own seat; null for a trusted backend that is no member. */
  you: { nodeId: string; alias?: string } | null;
}

export interface Session extends SessionSummary {
  /** A page of them. */
  members: SessionMember[];
  /** Where the next page begins; null at the end. */
  nextMembersCursor: string | null;
}

export interface SessionList {
  sessions: SessionSummary[];
  nextCursor: string | null;
}

export interface NewMember {
  nodeId: string;
  /** The others know it by its alias only. */
  anonymous?: boolean;
  /** Begins with `~`; without one an anonymous member is given one. */
  alias?: string;
}

/** `sessionId` and `members` are for a trusted backend. */
export interface NewSession {
  sessionId?: string;
  type?: 'normal' | 'game';
  /** Of a game; default: who creates it. */
  masterNodeId?: string;
  anyoneCanJoin?: boolean;
  /** The creator's own seat is an anonymous one. */
  anonymous?: boolean;
  notifyLimit?: number;
  /** What a member may read by `sessionMessages`: from when it joined (the default), or all. */
  history?: 'joined' | 'all';
  members?: NewMember[];
  metadata?: Record<string, unknown>;
  /** For a day a repeat under the same key gets the same answer. */
  idempotencyKey?: string;
}

/** The HTTP calls about sessions and clients. All throw AllsparkError for a refusal, and what `fetch` throws. */
export class SessionCalls {
  readonly #http: HttpApi;

  constructor(http: HttpApi) {
    this.#http = http;
  }

  async create({ members, idempotencyKey, ...asked }: NewSession): Promise<Session> {
    const body = { ...snakeKeys(asked), ...(members === undefined ? {} : { members: members.map(snakeKeys) }) };
    const headers = idempotencyKey === undefined ? undefined : { 'idempotency-key': idempotencyKey };
    return parseSession(JSON.parse(await this.#http.call('POST', '/v1/sessions', body, headers)) as WireSession);
  }

  async session(sessionId: string, membersCursor?: string): Promise<Session> {
    const text = await this.#http.call('GET', `${pathOf(sessionId)}${queryOf(snakeKeys({ membersCursor }))}`);
    return parseSession(JSON.parse(text) as WireSession);
  }

  async list(range: { cursor?: string; limit?: number }): Promise<SessionList> {
    const text = await this.#http.call('GET', `/v1/sessions${queryOf(snakeKeys(range))}`);
    const { sessions, next_cursor: nextCursor } = JSON.parse(text) as WireList;
    return { sessions: sessions.map(parseSummary), nextCursor };
  }

  join(sessionId: string, member: Partial<NewMember>): Promise<SessionMember> {
    return this.#change(sessionId, 'join', snakeKeys(member));
  }

  async unjoin(sessionId: string, whom: { nodeId?: string; alias?: string }): Promise<void> {
    await this.#http.call('POST', `${pathOf(sessionId)}/unjoin`, snakeKeys(whom));
  }

  reveal(sessionId: string): Promise<SessionMember> {
    return this.#change(sessionId, 'reveal', {});
  }

  async end(sessionId: string): Promise<void> {
    await this.#http.call('DELETE', pathOf(sessionId));
  }

  /** What the session or client has, as far as the caller may read it. */
  async messages({ destSessionId, destClientId }: Destination, range: HistoryRange): Promise<HistoryPage> {
    const path =
      destSessionId === undefined ? `/v1/clients/${encodeURIComponent(destClientId ?? '')}` : pathOf(destSessionId);
    return parseHistoryPage(await this.#http.call('GET', `${path}/messages${queryOf(snakeKeys(range))}`));
  }

  async #change(sessionId: string, verb: string, body: object): Promise<SessionMember> {
    const text = await this.#http.call('POST', `${pathOf(sessionId)}/${verb}`, body);
    return camelKeys((JSON.parse(text) as { member: Fields }).member) as unknown as SessionMember;
  }
}

type Fields = Record<string, unknown>;

interface WireSession extends Fields {
  members?: Fields[];
}

interface WireList {
  sessions: WireSession[];
  next_cursor: string | null;
}

const pathOf = (sessionId: string): string => `/v1/sessions/${encodeURIComponent(sessionId)}`;

function parseSession({ members = [], ...rest }: WireSession): Session {
  const parsed = members.map((member) => camelKeys(member) as unknown as SessionMember);
  return { ...(parseSummary(rest) as Session), members: parsed };
}

function parseSummary(fields: WireSession): SessionSummary {
  const you = fields['you'] as Fields | null | undefined;
  return { ...camelKeys(fields), you: you ? camelKeys(you) : null } as unknown as SessionSummary;
}
