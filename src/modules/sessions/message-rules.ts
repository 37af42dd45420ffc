import { messageBody, Refusal, type Source } from '../../protocol/index.js';
import type { Entry, Receiver } from './group-entry.js';
import type { Stay } from './group-log.js';
import { type GroupState, isHidden } from './group-state.js';
import type { Caller, GroupMessage } from './sessions.types.js';

/** A message as it goes out, and to whom: everybody else, or one member. */
export type MessageEntry = Extract<Entry, { kind: 'message' }>;

/** What a message to a session becomes. `hiddenId`: what it is called when its sender must not be known by the id that it chose. */
export function decideSessionMessage(state: GroupState, asked: GroupMessage, hiddenId: string): MessageEntry | Refusal {
  const { sender, message, id } = asked;
  const stay = state.stayOf(sender.nodeId);
  if (!state.exists || state.hasEnded || (!stay && !sender.trusted)) return new Refusal('session_denied');
  const receiver = receiverOf(state, asked, stay);
  if (receiver instanceof Refusal) return receiver;
  const isSecret = stay !== undefined && isHidden(stay);
  const frame = messageBody(message, isSecret ? hiddenId : id, sourceOf(sender, stay));
  const isPrivate = message.destination.kind === 'private' && { isPrivate: true };
  return { kind: 'message', from: sender.nodeId, ...(receiver && { to: receiver }), ...isPrivate, frame };
}

/** What a message to a client becomes. */
export function decideClientMessage(state: GroupState, { sender, message, id }: GroupMessage): MessageEntry | Refusal {
  if (!state.exists) return new Refusal('node_unknown');
  const frame = messageBody(message, id, sourceOf(sender, undefined));
  return { kind: 'message', from: sender.nodeId, ...(message.report && { report: true }), frame };
}

/** The only one who gets it; `undefined`: all the others do. In a game everybody reaches the master, and only the master all. */
function receiverOf(
  state: GroupState,
  { message: { destination } }: GroupMessage,
  stay: Stay | undefined,
): Receiver | Refusal | undefined {
  const { type, master } = state.terms;
  const isPlayer = type === 'game' && stay !== undefined && stay.nodeId !== master;
  if (destination.kind === 'private') {
    const named = state.named(destination.memberId);
    if (!named) return new Refusal('member_unknown', { field: 'dest_id' });
    if (isPlayer && named.nodeId !== master)
      return new Refusal('forbidden', { reason: 'in a game players reach the master only' });
    return asReceiver(named);
  }
  if (!isPlayer) return undefined;
  const present = master === null ? undefined : state.stayOf(master);
  return present ? asReceiver(present) : new Refusal('no_master', { reason: 'the master has left the game' });
}

function asReceiver({ nodeId, joined }: Stay): Receiver {
  return { nodeId, joined };
}

/** What may be known of who sends. */
function sourceOf({ nodeId, clientId }: Caller, stay: Stay | undefined): Source {
  return stay && isHidden(stay) ? { srcId: stay.alias!, srcClientId: null } : { srcId: nodeId, srcClientId: clientId };
}
