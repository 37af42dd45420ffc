import type { MemberView, NewMember, NewSession, SessionView } from '../../modules/sessions/index.js';
import type { JoinRequest, Member, Session, SessionRequest, SessionList } from './sessions.schema.js';

/** Sessions in the words of the wire, and back. */

type Listed = SessionList['sessions'][number];

export function newSessionOf(request: SessionRequest): NewSession {
  const { session_id: sessionId, master_node_id: masterNodeId, members = [] } = request;
  return {
    ...(sessionId !== undefined && { sessionId }),
    ...(masterNodeId !== undefined && { masterNodeId }),
    type: request.type ?? 'normal',
    anyoneCanJoin: request.anyone_can_join ?? false,
    anonymous: request.anonymous ?? false,
    notifyLimit: request.notify_limit ?? 0,
    history: request.history ?? 'joined',
    members: members.map((member) => newMemberOf(member, member.node_id)),
    metadata: request.metadata ?? {},
  };
}

export function newMemberOf({ anonymous, alias }: JoinRequest, nodeId: string): NewMember {
  return { nodeId, anonymous: anonymous ?? alias !== undefined, ...(alias !== undefined && { alias }) };
}

export function sessionOf(view: SessionView): Session {
  return {
    ...listedSessionOf(view),
    members: view.members.map(memberOf),
    next_members_cursor: view.nextMembersCursor,
  };
}

export function listedSessionOf({ sessionId, terms, owner, master, createdAt, you }: SessionView): Listed {
  return {
    session_id: sessionId,
    type: terms.type,
    owner,
    master,
    anyone_can_join: terms.anyoneCanJoin,
    notify_limit: terms.notifyLimit,
    history: terms.history,
    created_at: createdAt,
    metadata: terms.metadata,
    you: you && { node_id: you.nodeId, ...(you.alias !== undefined && { alias: you.alias }) },
  };
}

export function memberOf({ nodeId, alias, anonymous, role }: MemberView): Member {
  return { ...(nodeId !== undefined && { node_id: nodeId }), ...(alias !== undefined && { alias }), anonymous, role };
}
