import { AllsparkError } from './errors.js';
import { rawElements, rawField, rawFields } from './json-slices.js';

export interface Destination {
  destId?: string;
  destClientId?: string;
  destSessionId?: string;
}

/** What an application sends. Of `payload` (any JSON value) and `rawPayload` (JSON text, sent byte for byte) give one. */
export interface OutgoingMessage extends Destination {
  id?: string;
  type?: number;
  payload?: unknown;
  payload1?: unknown;
  payload2?: unknown;
  rawPayload?: string;
  rawPayload1?: string;
  rawPayload2?: string;
  transient?: boolean;
  report?: 'delivered'[];
}

/** What arrives. `raw` is the text of the whole frame, `rawField(raw, 'payload')` the payload byte for byte. */
export interface Message extends Destination {
  kind: 'message';
  id: string;
  type: number;
  srcId: string;
  srcClientId?: string;
  timestamp: number;
  /** Position in this node's inbox; transient messages have none. */
  seq?: number;
  sessionSeq?: number;
  payload?: unknown;
  payload1?: unknown;
  payload2?: unknown;
  raw: string;
}

/** This seat was full: read the session's messages from `fromSessionSeq` on and drop what came already. */
export interface Gap {
  kind: 'gap';
  seq: number;
  destSessionId?: string;
  destClientId?: string;
  fromSessionSeq: number;
  raw: string;
}

/** In place of a message that may no longer be read. */
export interface Gone {
  kind: 'gone';
  seq: number;
  reason: string;
  raw: string;
}

/** One place in the inbox. */
export type InboxEntry = Message | Gap | Gone;

export interface Hello {
  nodeId: string;
  clientId: string | null;
  connectionId: string;
  serverNodeId: string;
  epoch: string;
  resumed: boolean;
  reason?: string;
  floorSeq: number;
  tailSeq: number;
  ackedSeq: number;
  maxFrameBytes: number;
  window: number;
  windowBytes: number;
  pingIntervalMs: number;
}

export interface InboxPage {
  messages: InboxEntry[];
  epoch: string;
  floorSeq: number;
  tailSeq: number;
  ackedSeq: number;
  complete: boolean;
}

/** Bounds are exclusive; times in ms since 1970. With only `before…` the last ones are read. */
export interface InboxRange {
  afterSeq?: number;
  beforeSeq?: number;
  afterTime?: number;
  beforeTime?: number;
  limit?: number;
}

/** Where to open a websocket; `url` opens as it stands. */
export interface Target {
  url: string;
  validationKey: string;
}

export type ServerFrame =
  | InboxEntry
  | ({ kind: 'hello' } & Hello)
  | { kind: 'receipt'; id: string; status: 'stored' | 'duplicate' | 'delivered'; destId?: string }
  | { kind: 'error'; code: string; reason: string; field?: string; id?: string; retryAfterMs?: number }
  | { kind: 'node_unknown' | 'session_denied'; id?: string; code: string; reason: string }
  | { kind: 'offline'; srcId: string; id: string }
  | ({ kind: 'move'; withinMs: number } & Target)
  | { kind: 'page'; id?: string; page: InboxPage }
  | { kind: 'alive' }
  | { kind: 'unknown'; raw: string };

export const ALIVE_PROBE = '{"type":-120}';
const ACK = -111;
const FETCH_INBOX = -101;
const PAGE = -102;
const KINDS: ReadonlyMap<number, ServerFrame['kind']> = new Map([
  [-110, 'hello'],
  [-112, 'receipt'],
  [-113, 'error'],
  [-114, 'move'],
  [-115, 'gap'],
  [-116, 'gone'],
  [-121, 'alive'],
  [-3, 'node_unknown'],
  [-4, 'offline'],
  [-5, 'session_denied'],
] as const);

/** Reads one text frame; what this version does not know is `unknown`, never an exception. */
export function parseFrame(raw: string): ServerFrame {
  const fields = parseObject(raw);
  if (fields === undefined) return { kind: 'unknown', raw };
  const type = typeof fields['type'] === 'number' ? fields['type'] : 0;
  if (type === PAGE) return parsePageFrame(fields, raw);
  // A negative type that carries a seq is an inbox entry of a later version: it must be counted and shown, not skipped.
  const kind = KINDS.get(type) ?? (type >= 0 || 'seq' in fields ? 'message' : 'unknown');
  return { ...camelKeys(fields), type, kind, raw } as unknown as ServerFrame;
}

export function isInboxEntry(frame: ServerFrame): frame is InboxEntry {
  return frame.kind === 'message' || frame.kind === 'gap' || frame.kind === 'gone';
}

/** Reads the body of `GET /v1/inbox`, every message with its own bytes. */
export function parseInboxPage(text: string): InboxPage {
  const fields = rawFields(text);
  const scalars = [...fields].filter(([name]) => name !== 'messages');
  const head = Object.fromEntries(scalars.map(([name, value]) => [name, JSON.parse(value) as unknown]));
  const messages = rawElements(fields.get('messages') ?? '[]').map(parseFrame);
  return { ...(camelKeys(head) as unknown as InboxPage), messages: messages.filter(isInboxEntry) };
}

function parsePageFrame(fields: Record<string, unknown>, raw: string): ServerFrame {
  const payload = rawField(raw, 'payload');
  if (payload === undefined) return { kind: 'unknown', raw };
  const id = fields['id'];
  return { kind: 'page', page: parseInboxPage(payload), ...(typeof id === 'string' ? { id } : {}) };
}

function parseObject(raw: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(raw);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Names of the wire to names of this library, one level deep: payloads keep their own names. */
export function camelKeys(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [camel(name), value]));
}

const camel = (name: string): string => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

export const encodeAck = (seq: number): string => JSON.stringify({ type: ACK, seq });

export function encodeFetchInbox(id: string, range: InboxRange): string {
  return JSON.stringify({ type: FETCH_INBOX, id, payload: { fetch_inbox: snakeRange(range) } });
}

export function snakeRange(range: InboxRange): Record<string, number> {
  const fields = {
    after_seq: range.afterSeq,
    before_seq: range.beforeSeq,
    after_time: range.afterTime,
    before_time: range.beforeTime,
    limit: range.limit,
  };
  const given = Object.entries(fields).filter((field): field is [string, number] => field[1] !== undefined);
  return Object.fromEntries(given);
}

/** The text of one message frame. Throws AllsparkError for what could never be answered under this id. */
export function encodeMessage(message: OutgoingMessage, id: string): string {
  requireId(id);
  const parts = [
    member('dest_id', message.destId),
    member('dest_client_id', message.destClientId),
    member('dest_session_id', message.destSessionId),
    member('id', id),
    member('type', message.type),
    payloadMember('payload', message.payload, message.rawPayload, id),
    payloadMember('payload1', message.payload1, message.rawPayload1, id),
    payloadMember('payload2', message.payload2, message.rawPayload2, id),
    member('transient', message.transient),
    member('report', message.report),
  ];
  return `{${parts.filter((part) => part !== '').join(',')}}`;
}

const member = (name: string, value: unknown): string =>
  value === undefined ? '' : `"${name}":${JSON.stringify(value)}`;

function payloadMember(name: string, value: unknown, raw: string | undefined, id: string): string {
  if (raw === undefined && value === undefined) return '';
  if (raw !== undefined && value !== undefined) throw invalid(name, 'give the value or its raw text, not both', id);
  const text = raw ?? stringify(name, value, id);
  // A frame broken by raw text would be refused without its id, and its promise would never settle.
  if (raw !== undefined && !isJson(raw)) throw invalid(name, 'raw text must be one JSON value', id);
  return `"${name}":${text}`;
}

function stringify(name: string, value: unknown, id: string): string {
  try {
    const text = JSON.stringify(value) as string | undefined;
    if (text !== undefined) return text;
  } catch (cause) {
    throw new AllsparkError({ code: 'invalid_field', reason: 'not a JSON value', field: name, id, cause });
  }
  throw invalid(name, 'not a JSON value', id);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function requireId(id: string): void {
  if (!/^(?!~)[\w\-.:~@]{1,128}$/.test(id)) {
    throw invalid('id', 'wanted 1 to 128 characters of A-Z a-z 0-9 _ - . : ~ @, not beginning with ~', id);
  }
}

const invalid = (field: string, reason: string, id: string): AllsparkError =>
  new AllsparkError({ code: 'invalid_field', reason, field, id });
