import { eventBody, Refusal, TYPE } from '../../protocol/index.js';
import type { Entry, Seating } from './group-entry.js';
import type { Stay } from './group-log.js';
import { type GroupState, isHidden, nameOf } from './group-state.js';
import type { Caller, Terms } from './sessions.types.js';

/** An event of a session, under an id that says nothing. */
export interface SessionEvent {
  readonly sessionId: string;
  readonly eventId: string;
}

export interface JoinRequest extends SessionEvent {
  readonly caller: Caller;
  readonly seat: Seating;
  readonly maxMembers: number;
}

/** Whom a leave is about: by node id, or by alias. */
export type Named = { readonly nodeId: string } | { readonly alias: string };

export interface LeaveRequest extends SessionEvent {
  readonly caller: Caller;
  readonly whom: Named;
}

export interface MemberRequest extends SessionEvent {
  readonly caller: Caller;
}

/** "Not a member" and "no such session" are one answer; only a trusted backend is told the truth. */
export function denied({ trusted }: Caller): Refusal {
  return new Refusal(trusted ? 'session_unknown' : 'session_denied');
}

/** Whether the caller may see the session; else the refusal that tells nothing. */
export function refuseStranger(state: GroupState, caller: Caller): Refusal | undefined {
  const isIn = state.exists && !state.hasEnded && (caller.trusted || state.stayOf(caller.nodeId) !== undefined);
  return isIn ? undefined : denied(caller);
}

/** It created the session and never left since. */
export function isOwner(state: GroupState, { nodeId, joined }: Stay): boolean {
  return joined === 1 && nodeId === state.terms.owner;
}

/** A master that left and joins again is the master again. */
export function isMaster(state: GroupState, { nodeId }: Stay): boolean {
  return nodeId === state.terms.master;
}

export function decideCreation(state: GroupState, terms: Terms, seats: readonly Seating[]): Entry | Refusal {
  if (state.exists) return new Refusal('session_exists', { field: 'session_id' });
  return refuseAliasTwice(seats) ?? { kind: 'created', terms, seats, frame: '' };
}

/** Of aliases that are given together no two may be the same either. */
export function refuseAliasTwice(seats: readonly Seating[]): Refusal | undefined {
  const aliases = seats.flatMap(({ alias }) => alias ?? []);
  return new Set(aliases).size < aliases.length ? new Refusal('alias_taken', { field: 'members' }) : undefined;
}

/** A second join changes nothing and is not announced. */
export function decideJoin(state: GroupState, request: JoinRequest): Entry | Refusal {
  const { seat, maxMembers, sessionId, eventId } = request;
  const refusal = refuseJoin(state, request);
  if (refusal) return refusal;
  if (state.stayOf(seat.nodeId)) return { kind: 'unchanged', nodeId: seat.nodeId, frame: '' };
  if (state.size >= maxMembers) return new Refusal('too_many_members', { reason: `at most ${maxMembers} members` });
  if (seat.alias !== null && state.hasAlias(seat.alias)) return new Refusal('alias_taken', { field: 'alias' });
  const frame = eventBody(TYPE.joined, sessionId, eventId, seat.alias ?? seat.nodeId);
  return { kind: 'joined', seat, frame };
}

/** Why the caller may not fill the seat, whoever is to sit in it. */
export function refuseJoin(
  state: GroupState,
  { caller, seat }: Pick<JoinRequest, 'caller' | 'seat'>,
): Refusal | undefined {
  if (!state.exists || state.hasEnded) return denied(caller);
  if (caller.trusted) return undefined;
  const own = state.stayOf(caller.nodeId);
  if (caller.nodeId === seat.nodeId) return own || state.terms.anyoneCanJoin ? undefined : denied(caller);
  if (!own) return denied(caller);
  if (!isOwner(state, own)) return new Refusal('forbidden', { reason: 'only the owner adds others' });
  if (seat.alias !== null)
    return new Refusal('forbidden', { reason: 'only a node itself takes an anonymous seat', field: 'anonymous' });
  return state.hasAnonymous ? new Refusal('anonymous_present') : undefined;
}

/** By the node id of a hidden member nobody but itself and a trusted backend finds it. */
export function decideLeave(state: GroupState, { caller, whom, sessionId, eventId }: LeaveRequest): Entry | Refusal {
  const stranger = refuseStranger(state, caller);
  if (stranger) return stranger;
  const stay = findMember(state, caller, whom);
  const isOneself = stay?.nodeId === caller.nodeId;
  const own = state.stayOf(caller.nodeId);
  if (!isOneself && !caller.trusted && !(own && isOwner(state, own))) return new Refusal('forbidden');
  if (!stay) return new Refusal('member_unknown', { field: 'nodeId' in whom ? 'node_id' : 'alias' });
  return { kind: 'left', nodeId: stay.nodeId, frame: eventBody(TYPE.left, sessionId, eventId, nameOf(stay)) };
}

/**
 * What a leave that finds nobody leaves behind, where the one that is named might be on its way in: an entry that fences a
 * join whose answer was lost. Of those only who could have made that join, so that a stranger makes no log longer.
 */
export function fenceOf(state: GroupState, { caller, whom }: LeaveRequest): Entry | undefined {
  if (!state.exists || state.hasEnded || !('nodeId' in whom)) return undefined;
  const own = state.stayOf(caller.nodeId);
  const isOneself = caller.nodeId === whom.nodeId && state.terms.anyoneCanJoin;
  const mayAdd = caller.trusted || isOneself || (own !== undefined && isOwner(state, own));
  // A hidden member is nobody to its caller here too, or the numbers of later entries would tell who it is.
  const isFenced = mayAdd && !findMember(state, caller, whom);
  return isFenced ? { kind: 'unchanged', nodeId: whom.nodeId, frame: '' } : undefined;
}

/** The member that the caller means, if it may know that this one is it. */
export function findMember(state: GroupState, caller: Caller, whom: Named): Stay | undefined {
  if ('alias' in whom) return whom.alias.startsWith('~') ? state.named(whom.alias) : undefined;
  const stay = state.stayOf(whom.nodeId);
  return stay && (caller.trusted || caller.nodeId === whom.nodeId || !isHidden(stay)) ? stay : undefined;
}

/** Only an anonymous member itself does so; again, or visible already, changes nothing. */
export function decideReveal(state: GroupState, { caller, sessionId, eventId }: MemberRequest): Entry | Refusal {
  const stranger = refuseStranger(state, caller);
  if (stranger) return stranger;
  const stay = state.stayOf(caller.nodeId);
  if (!stay) return new Refusal('member_unknown', { reason: 'a member reveals itself only' });
  if (!isHidden(stay)) return { kind: 'unchanged', nodeId: stay.nodeId, frame: '' };
  const payload = JSON.stringify({ node_id: stay.nodeId });
  return {
    kind: 'revealed',
    nodeId: stay.nodeId,
    frame: eventBody(TYPE.revealed, sessionId, eventId, stay.alias!, payload),
  };
}

export function decideEnd(state: GroupState, { caller, sessionId, eventId }: MemberRequest): Entry | Refusal {
  const stranger = refuseStranger(state, caller);
  if (stranger) return stranger;
  const own = state.stayOf(caller.nodeId);
  if (!caller.trusted && !(own && isOwner(state, own)))
    return new Refusal('forbidden', { reason: 'only the owner ends it' });
  return { kind: 'ended', frame: eventBody(TYPE.ended, sessionId, eventId, own ? nameOf(own) : caller.nodeId) };
}
