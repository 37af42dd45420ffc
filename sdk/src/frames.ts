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
  /** Position in this node's inbox; what is transient or read from history has none. */
  seq?: number;
  /** Place among what the session or client has; rising, with holes. */
  sessionSeq?: number;
  transient?: true;
  /** Read by HTTP, and not from the inbox: what a gap had left out, or what was asked for. */
  fromHistory?: true;
  payload?: unknown;
  payload1?: unknown;
  payload2?: unknown;
  raw: string;
}

/** What happened in a session, in order with its messages. */
export interface SessionEvent {
  kind: 'event';
  event: 'joined' | 'left' | 'revealed' | 'ended';
  /** The number of the event: 100, 103, 104, 105. */
  type: number;
  id: string;
  destSessionId: string;
  /** Whom it is about, as the others know it: a node id or an alias; of `revealed` the alias that it had. */
  srcId: string;
  /** Of `revealed`: whose alias it was. */
  nodeId?: string;
  timestamp: number;
  seq?: number;
  sessionSeq: number;
  fromHistory?: true;
  raw: string;
}

/** This seat was full: messages from `fromSessionSeq` on were left out of the inbox. */
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
export type InboxEntry = Message | SessionEvent | Gap | Gone;

/** One place in what a session or client has. */
export type GroupEntry = Message | SessionEvent;

/** What a session or client has, as far as the caller may read it. */
export interface HistoryPage {
  messages: GroupEntry[];
  /** The last place there is, whoever it is for. */
  tail: number;
  complete: boolean;
}

/** By `sessionSeq`, exclusive. With only `before` the last ones are read. */
export interface HistoryRange {
  after?: number;
  before?: number;
  limit?: number;
}

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
const EVENTS: ReadonlyMap<number, SessionEvent['event']> = new Map([
  [100, 'joined'],
  [103, 'left'],
  [104, 'revealed'],
  [105, 'ended'],
] as const);
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
  const event = EVENTS.get(type);
  if (event !== undefined && 'dest_session_id' in fields) return sessionEvent(event, fields, raw);
  // A negative type that carries a seq is an inbox entry of a later version: it must be counted and shown, not skipped.
  const kind = KINDS.get(type) ?? (type >= 0 || 'seq' in fields ? 'message' : 'unknown');
  return { ...camelKeys(fields), type, kind, raw } as unknown as ServerFrame;
}

function sessionEvent(event: SessionEvent['event'], fields: Record<string, unknown>, raw: string): SessionEvent {
  const { payload, ...rest } = fields;
  const nodeId = (payload as { node_id?: string } | undefined)?.node_id;
  const known = { kind: 'event', event, ...(nodeId === undefined ? {} : { nodeId }), raw };
  return { ...camelKeys(rest), ...known } as unknown as SessionEvent;
}

export function isInboxEntry(frame: ServerFrame): frame is InboxEntry {
  return isGroupEntry(frame) || frame.kind === 'gap' || frame.kind === 'gone';
}

function isGroupEntry(frame: ServerFrame): frame is GroupEntry {
  return frame.kind === 'message' || frame.kind === 'event';
}

/** Reads the body of `GET /v1/inbox`, every message with its own bytes. */
export function parseInboxPage(text: string): InboxPage {
  const { frames, head } = parsePage(text);
  return { ...(head as unknown as InboxPage), messages: frames.filter(isInboxEntry) };
}

/** Reads the messages of a session or client, each with its own bytes. */
export function parseHistoryPage(text: string): HistoryPage {
  const { frames, head } = parsePage(text);
  const messages = frames.filter(isGroupEntry).map((entry): GroupEntry => ({ ...entry, fromHistory: true }));
  return { ...(head as unknown as HistoryPage), messages };
}

function parsePage(text: string): { frames: ServerFrame[]; head: Record<string, unknown> } {
  const fields = rawFields(text);
  const scalars = [...fields].filter(([name]) => name !== 'messages');
  const head = Object.fromEntries(scalars.map(([name, value]) => [name, JSON.parse(value) as unknown]));
  return { frames: rawElements(fields.get('messages') ?? '[]').map(parseFrame), head: camelKeys(head) };
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

/** The way back, one level deep too; what is undefined is left out. */
export function snakeKeys(fields: object): Record<string, unknown> {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [snake(name), value as unknown]));
}

const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const camel = (name: string): string => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

export const encodeAck = (seq: number): string => JSON.stringify({ type: ACK, seq });

export function encodeFetchInbox(id: string, range: InboxRange): string {
  return JSON.stringify({ type: FETCH_INBOX, id, payload: { fetch_inbox: snakeRange(range) } });
}

export function snakeRange(range: InboxRange): Record<string, number> {
  const { afterSeq, beforeSeq, afterTime, beforeTime, limit } = range;
  return snakeKeys({ afterSeq, beforeSeq, afterTime, beforeTime, limit }) as Record<string, number>;
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
