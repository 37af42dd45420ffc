import { Injectable } from '@nestjs/common';
import { newAlias, newSessionId, randomId } from '../../common/ids.js';
import { Refusal } from '../../protocol/index.js';
import { type LogRow, sessionLogOf } from '../inbox/index.js';
import { NodesService } from '../nodes/index.js';
import { decodeEntry, type Entry, type Seating } from './group-entry.js';
import { GroupLog, type Stay } from './group-log.js';
import { GroupState } from './group-state.js';
import { changeDraft } from './groups.js';
import { GroupsService } from './groups.service.js';
import {
  decideCreation,
  decideEnd,
  decideJoin,
  decideLeave,
  decideReveal,
  denied,
  fenceOf,
  findMember,
  type Named,
  refuseAliasTwice,
  refuseJoin,
  refuseStranger,
} from './member-rules.js';
import { readEntries } from './session-history.js';
import { SessionsSettings } from './sessions.settings.js';
import type {
  Caller,
  EntryPage,
  EntryQuery,
  MemberView,
  NewMember,
  NewSession,
  SessionView,
} from './sessions.types.js';
import type { GroupDraft } from './group-draft.types.js';
import { memberView, viewOf } from './session-views.js';

/** Sessions: who is in them, what may be known of them, and what they hold. Throws refusals. */
@Injectable()
export class SessionsService {
  constructor(
    private readonly groups: GroupsService,
    private readonly projection: GroupLog,
    private readonly nodes: NodesService,
    private readonly settings: SessionsSettings,
  ) {}

  /**
   * `key`: one of the caller's choice, under which the same is one session and one answer for as long as repeats are
   * known; something else under it is `id_conflict`.
   */
  async create(caller: Caller, asked: NewSession, key?: string): Promise<SessionView> {
    const { type, masterNodeId, anyoneCanJoin, notifyLimit, history, metadata } = asked;
    const master = type === 'game' ? (masterNodeId ?? (caller.trusted ? undefined : caller.nodeId)) : null;
    if (master === undefined)
      throw new Refusal('invalid_field', { field: 'master_node_id', reason: 'a game needs one' });
    const seats = seatsOf(caller, asked, master, this.settings.aliasRandomBits);
    // Decided again at the tail; here too, so that what is refused for good uses up no key.
    const refusal = refuseAliasTwice(seats);
    if (refusal) throw refusal;
    if (seats.length > this.settings.sessionMaxMembers) throw new Refusal('too_many_members');
    await this.mustKnow(caller, seats);
    const owner = { owner: caller.nodeId, isOwnerMember: !caller.trusted };
    const terms = { type, ...owner, master, anyoneCanJoin, notifyLimit, history, metadata };
    const { sessionId, name } = await this.place(caller, asked, key);
    const decide = (state: GroupState): Entry | Refusal => decideCreation(state, terms, seats);
    const draft: GroupDraft = { ...changeDraft(name), absent: 'created', decide };
    const row = await this.groups.happen(sessionLogOf(sessionId), draft);
    await this.groups.settled(row.log, row.n);
    return viewOf(stateBehind(row), sessionId, caller);
  }

  private async place(
    { nodeId }: Caller,
    asked: NewSession,
    key: string | undefined,
  ): Promise<{ readonly sessionId: string; readonly name?: string }> {
    const { sessionId = newSessionId() } = asked;
    return key === undefined
      ? { sessionId }
      : this.groups.creations.reserve({ nodeId, key, asked: JSON.stringify(asked) }, sessionId);
  }

  /** The session, as the caller may see it; `membersCursor`: where the page of members begins. */
  async view(caller: Caller, sessionId: string, membersCursor?: string): Promise<SessionView> {
    return viewOf(await this.stateFor(caller, sessionId), sessionId, caller, membersCursor);
  }

  /** Those that the caller is a member of, behind `cursor`. */
  async list(caller: Caller, cursor: string, limit: number): Promise<{ sessions: SessionView[]; next: string | null }> {
    const after = cursor === '' ? SESSIONS_BEGIN : sessionLogOf(cursor);
    const logs = await this.projection.groupsOf(caller.nodeId, after, limit + 1);
    const page = logs.filter((log) => log.startsWith(SESSIONS_BEGIN)).slice(0, limit);
    const views = await Promise.all(page.map(async (log) => this.ownView(caller, log)));
    const isMore = logs.length > limit && logs[limit]!.startsWith(SESSIONS_BEGIN);
    return { sessions: views.flat(), next: isMore ? page.at(-1)!.slice(SESSIONS_BEGIN.length) : null };
  }

  async join(caller: Caller, sessionId: string, asked: NewMember): Promise<MemberView> {
    const seat = seatOf(asked, this.settings.aliasRandomBits);
    await this.mayFill(caller, sessionId, seat, asked.alias);
    const { sessionMaxMembers: maxMembers } = this.settings;
    const request = { caller, seat, maxMembers, sessionId, eventId: randomId() };
    const { state, row } = await this.change(caller, sessionId, (at) => decideJoin(at, request));
    // By now it may sit in a seat of its own choice, which the answer must not tie to the node that was named.
    const stay = findMember(state, caller, { nodeId: seat.nodeId }) ?? stayBegunWith(row);
    if (!stay) throw new Refusal('retry_later', { reason: 'the member left meanwhile' });
    return memberView(state, stay, caller);
  }

  async unjoin(caller: Caller, sessionId: string, whom: Named = { nodeId: caller.nodeId }): Promise<void> {
    const request = { caller, whom, sessionId, eventId: randomId() };
    const answer: { refusal: Refusal | undefined } = { refusal: undefined };
    await this.change(caller, sessionId, (state) => {
      const decided = decideLeave(state, request);
      answer.refusal = decided instanceof Refusal ? decided : undefined;
      return (answer.refusal && fenceOf(state, request)) ?? decided;
    });
    if (answer.refusal) throw answer.refusal;
  }

  async reveal(caller: Caller, sessionId: string): Promise<MemberView> {
    const request = { caller, sessionId, eventId: randomId() };
    const { state } = await this.change(caller, sessionId, (at) => decideReveal(at, request));
    const stay = state.stayOf(caller.nodeId);
    if (!stay) throw denied(caller);
    return memberView(state, stay, caller);
  }

  async end(caller: Caller, sessionId: string): Promise<void> {
    const request = { caller, sessionId, eventId: randomId() };
    await this.change(caller, sessionId, (state) => decideEnd(state, request));
  }

  /** What the session holds that the caller may read. */
  async messages(caller: Caller, sessionId: string, query: EntryQuery, maxBytes: number): Promise<EntryPage> {
    const state = await this.stateFor(caller, sessionId);
    const reader = await this.groups.readerOf(state, caller);
    return readEntries(this.groups.log, state, reader, query, maxBytes);
  }

  /** Brings a change about and answers its entry, and the state behind it, which may be further by now. */
  private async change(
    caller: Caller,
    sessionId: string,
    decide: (state: GroupState) => Entry | Refusal,
  ): Promise<{ readonly state: GroupState; readonly row: LogRow }> {
    const log = sessionLogOf(sessionId);
    const row = await this.groups.happen(log, { ...changeDraft(), absent: denied(caller), decide });
    return { state: await this.groups.settled(log, row.n), row };
  }

  private async stateFor(caller: Caller, sessionId: string): Promise<GroupState> {
    const state = await this.groups.state(sessionLogOf(sessionId));
    const refusal = refuseStranger(state, caller);
    if (refusal) throw refusal;
    return state;
  }

  /** What is not decided at the tail. Who may not add anybody learns nothing of whom it names. */
  private async mayFill(caller: Caller, sessionId: string, seat: Seating, alias: string | undefined): Promise<void> {
    if (alias !== undefined && !caller.trusted)
      throw new Refusal('forbidden', { field: 'alias', reason: 'only a backend gives aliases' });
    const state = await this.groups.state(sessionLogOf(sessionId));
    const refusal = refuseJoin(state, { caller, seat });
    if (refusal) throw refusal;
    await this.mustKnow(caller, [seat]);
    if (alias === undefined || state.stayOf(seat.nodeId)) return;
    // Never one that was used in the session, not even in a stay that is over.
    if (await this.projection.hasAlias(state.log, alias)) throw new Refusal('alias_taken', { field: 'alias' });
  }

  /** It may have ended, or the caller may have left, since the list was read. */
  private async ownView(caller: Caller, log: string): Promise<SessionView[]> {
    const state = await this.groups.state(log);
    return state.stayOf(caller.nodeId) ? [viewOf(state, log.slice(SESSIONS_BEGIN.length), caller)] : [];
  }

  /** A backend makes those known whom it names; a node names known ones only. */
  private async mustKnow(caller: Caller, seats: readonly Seating[]): Promise<void> {
    if (caller.trusted) return this.nodes.makeKnown(...seats.map(({ nodeId }) => nodeId));
    for (const { nodeId } of seats) {
      if (nodeId === caller.nodeId || (await this.nodes.isKnown(nodeId))) continue;
      throw new Refusal('node_unknown', { reason: `no node ${nodeId} was ever seen` });
    }
  }
}

/** What the logs of all sessions begin with. */
const SESSIONS_BEGIN = sessionLogOf('');

/** The stay as it was when the entry began it, whatever became of it since. */
function stayBegunWith({ n, body }: LogRow): Stay | undefined {
  const entry = decodeEntry(body);
  if (entry.kind !== 'joined') return undefined;
  const { nodeId, alias } = entry.seat;
  return { nodeId, alias, joined: n, left: null, revealed: null, issuedAt: 0 };
}

/** The session as it began, whatever came since. */
function stateBehind(creation: LogRow): GroupState {
  const state = new GroupState(creation.log, 0, undefined, []);
  state.apply(creation);
  return state;
}

function seatOf({ nodeId, anonymous, alias }: NewMember, aliasBits: number): Seating {
  return { nodeId, alias: anonymous ? (alias ?? newAlias(aliasBits)) : null };
}

function seatsOf(
  caller: Caller,
  { anonymous, members }: NewSession,
  master: string | null,
  aliasBits: number,
): Seating[] {
  const asked = [...(caller.trusted ? [] : [{ nodeId: caller.nodeId, anonymous }]), ...members];
  if (master !== null) asked.push({ nodeId: master, anonymous: false });
  const seats = new Map<string, Seating>();
  for (const member of asked) if (!seats.has(member.nodeId)) seats.set(member.nodeId, seatOf(member, aliasBits));
  return [...seats.values()];
}
