import {
  AllsparkClient,
  type HistoryPage,
  type HistoryRange,
  type NewSession,
  type Session,
  type SessionMember,
  type SessionSummary,
} from '@allspark/client';
import { WebSocket } from 'ws';
import { callFault, clientCall, type CallOptions } from './client-call.js';
import { EXIT } from './exit-codes.js';
import { usage } from './fault.js';
import { entryLine, jsonLine, printable } from './message-text.js';
import { isClosedPipe, printLine } from './output.js';

export interface CreateOptions extends CallOptions {
  readonly id?: string;
  readonly game?: boolean;
  readonly master?: string;
  readonly anyoneCanJoin?: boolean;
  readonly anonymous?: boolean;
  readonly notifyLimit?: number;
  readonly history?: string;
  readonly member?: readonly string[];
  readonly metadata?: string;
  readonly idempotencyKey?: string;
}

export interface JoinOptions extends CallOptions {
  readonly node?: string;
  readonly anonymous?: boolean;
  readonly alias?: string;
}

export interface LeaveOptions extends CallOptions {
  readonly node?: string;
  readonly alias?: string;
}

export interface HistoryOptions extends CallOptions, HistoryRange {}

export interface ListOptions extends CallOptions {
  readonly cursor?: string;
  readonly limit?: number;
}

/** Prints the id and nothing else, so that it fits into $(…). */
export function create(options: CreateOptions, args: readonly string[]): Promise<number> {
  const asked = newSessionOf(options);
  return calling(options, args, 0, async (client) => {
    const session = await client.createSession(asked);
    await tell(options, session, session.sessionId);
  });
}

export function newSessionOf(options: CreateOptions): NewSession {
  const { id, game, master, member, metadata, history: readable } = options;
  const { anyoneCanJoin, anonymous, notifyLimit, idempotencyKey } = options;
  if (readable !== undefined && readable !== 'joined' && readable !== 'all')
    throw usage(`--history ${readable}: wanted joined or all`);
  if (master !== undefined && game !== true) throw usage('--master is for a --game');
  return {
    sessionId: id,
    ...(game === true && { type: 'game' as const }),
    masterNodeId: master,
    anyoneCanJoin,
    anonymous,
    notifyLimit,
    history: readable,
    ...(member !== undefined && { members: member.map((nodeId) => ({ nodeId })) }),
    ...(metadata !== undefined && { metadata: objectOf(metadata) }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  };
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Told below, as any other text that is no object.
  }
  throw usage('--metadata: wanted a JSON object');
}

export function join(options: JoinOptions, args: readonly string[]): Promise<number> {
  return onSession(options, args, async (client, id) => {
    const { node: nodeId, anonymous, alias } = options;
    const member = await client.joinSession(id, { nodeId, anonymous, alias });
    await tell(options, member, `${memberText(member)} is in ${id}`);
  });
}

export function leave(options: LeaveOptions, args: readonly string[]): Promise<number> {
  return onSession(options, args, async (client, id) => {
    const { node: nodeId, alias } = options;
    if (nodeId !== undefined && alias !== undefined) throw usage('--node or --alias, not both');
    await client.unjoinSession(id, { nodeId, alias });
    const who = nodeId ?? alias;
    await tell(options, { sessionId: id }, who === undefined ? `left ${id}` : `${who} left ${id}`);
  });
}

export function reveal(options: CallOptions, args: readonly string[]): Promise<number> {
  return onSession(options, args, async (client, id) => {
    const member = await client.revealInSession(id);
    await tell(options, member, `${memberText(member)} is visible in ${id}`);
  });
}

export function end(options: CallOptions, args: readonly string[]): Promise<number> {
  return onSession(options, args, async (client, id) => {
    await client.endSession(id);
    await tell(options, { sessionId: id }, `ended ${id}`);
  });
}

export function info(options: CallOptions, args: readonly string[]): Promise<number> {
  return onSession(options, args, async (client, id) => {
    const session = await wholeSession(client, id);
    await tell(options, session, infoText(session));
  });
}

async function wholeSession(client: AllsparkClient, id: string): Promise<Session> {
  const session = await client.session(id);
  for (let cursor = session.nextMembersCursor; cursor !== null;) {
    const page = await client.session(id, cursor);
    session.members.push(...page.members);
    cursor = page.nextMembersCursor;
  }
  return { ...session, nextMembersCursor: null };
}

export function history(options: HistoryOptions, args: readonly string[]): Promise<number> {
  return onSession(options, args, async (client, id) => {
    const { after, before, limit } = options;
    const page = await client.sessionMessages(id, { after, before, limit });
    for (const entry of page.messages) await tell(options, undefined, entryLine(entry), jsonLine(entry));
    const { messages, ...rest } = page;
    await tell(options, { summary: { shown: messages.length, ...rest } }, historyLine(page));
  });
}

export function list(options: ListOptions, args: readonly string[]): Promise<number> {
  return calling(options, args, 0, async (client) => {
    const { cursor, limit } = options;
    const { sessions, nextCursor } = await client.sessions({ cursor, limit });
    for (const session of sessions) await tell(options, session, summaryText(session));
    const more = nextCursor === null ? '' : `; more behind --cursor ${nextCursor}`;
    await tell(options, { summary: { shown: sessions.length, nextCursor } }, `-- ${sessions.length} shown${more}`);
  });
}

function onSession(
  options: CallOptions,
  args: readonly string[],
  run: (client: AllsparkClient, sessionId: string) => Promise<void>,
): Promise<number> {
  return calling(options, args, 1, (client, [id]) => {
    if (id === undefined) throw usage('which session? Write its id');
    return run(client, id);
  });
}

async function calling(
  options: CallOptions,
  args: readonly string[],
  maxWords: number,
  run: (client: AllsparkClient, words: readonly string[]) => Promise<void>,
): Promise<number> {
  const call = await clientCall(options, args, maxWords);
  const client = new AllsparkClient({ url: call.url, authKey: call.authKey, WebSocket });
  try {
    await run(client, call.words);
  } catch (error) {
    if (!isClosedPipe(error)) throw callFault(error, call);
  } finally {
    await client.close();
  }
  return EXIT.ok;
}

function tell({ json }: CallOptions, facts: unknown, text: string, jsonText = JSON.stringify(facts)): Promise<void> {
  return printLine(json === true ? jsonText : text);
}

/** Both names where the caller may know both. */
export function memberText({ nodeId, alias, anonymous, role }: SessionMember): string {
  const names = [nodeId, alias].filter((name) => name !== undefined).join(' = ');
  return `${names} (${role}${anonymous ? ', anonymous' : ''})`;
}

export function summaryText({ sessionId, type, owner, master }: SessionSummary): string {
  const leads = type === 'game' ? `, master ${master ?? 'gone'}` : '';
  return `${sessionId}: ${type}, owner ${owner ?? 'gone'}${leads}`;
}

export function infoText(session: Session): string {
  const { anyoneCanJoin, notifyLimit, history: readable, createdAt, metadata, you, members } = session;
  const heard = notifyLimit === 0 ? 'all members' : `the ${notifyLimit} newest members`;
  return [
    summaryText(session),
    `made ${new Date(createdAt).toISOString()}, ${anyoneCanJoin ? 'anyone can join' : 'by invitation'}`,
    `messages go to ${heard}; history from ${readable === 'all' ? 'the beginning' : 'when one joined'}`,
    `metadata ${printable(JSON.stringify(metadata))}`,
    you === null ? 'you are no member' : `you are ${you.nodeId}${you.alias === undefined ? '' : `, here ${you.alias}`}`,
    `${members.length} ${members.length === 1 ? 'member' : 'members'}:`,
    ...members.map((member) => `  ${memberText(member)}`),
  ].join('\n');
}

export function historyLine({ messages, tail, complete }: HistoryPage): string {
  const last = messages.at(-1)?.sessionSeq;
  const more = complete || last === undefined ? '' : `; more behind --after ${last}`;
  return `-- ${messages.length} shown (tail ${tail})${more}`;
}
