import { isMaster, isOwner } from './member-rules.js';
import type { Stay } from './group-log.js';
import { type GroupState, isHidden, nameOf } from './group-state.js';
import type { Caller, MemberView, SessionView } from './sessions.types.js';

/** Members of one page. */
const PAGE_MEMBERS = 200;

/** A session as the caller may see it; `cursor`: the name that the page begins behind. */
export function viewOf(state: GroupState, sessionId: string, caller: Caller, cursor = ''): SessionView {
  const { terms } = state;
  const own = state.stayOf(caller.nodeId);
  const members = [...state.members()].filter((stay) => nameOf(stay) > cursor);
  const page = members.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)).slice(0, PAGE_MEMBERS);
  const last = page.at(-1);
  return {
    sessionId,
    terms,
    owner: ownerOf(state, caller),
    master: terms.master === null ? null : seenAs(state.stayOf(terms.master), caller),
    createdAt: state.record!.createdAt,
    members: page.map((stay) => memberView(state, stay, caller)),
    nextMembersCursor: last && members.length > page.length ? nameOf(last) : null,
    you: own ? { nodeId: own.nodeId, ...(own.alias !== null && { alias: own.alias }) } : null,
  };
}

export function memberView(state: GroupState, stay: Stay, { trusted }: Caller): MemberView {
  const anonymous = isHidden(stay);
  const role = isMaster(state, stay) ? 'master' : isOwner(state, stay) ? 'owner' : 'member';
  const seen = trusted || !anonymous ? { nodeId: stay.nodeId } : {};
  return { ...seen, ...((anonymous || trusted) && stay.alias !== null && { alias: stay.alias }), anonymous, role };
}

/** A backend that created it stays its owner; a node does as long as it does not leave. */
function ownerOf(state: GroupState, caller: Caller): string | null {
  const { owner, isOwnerMember } = state.terms;
  if (!isOwnerMember) return owner;
  const stay = state.stayOf(owner);
  return stay && isOwner(state, stay) ? seenAs(stay, caller) : null;
}

function seenAs(stay: Stay | undefined, { trusted }: Caller): string | null {
  if (!stay) return null;
  return trusted ? stay.nodeId : nameOf(stay);
}
