import { MAX_TYPE, RESERVED_TYPES, TYPE } from './control-types.js';
import { ADDRESS_WANTED, ID_WANTED, isChosenId, isId } from './identifier.js';
import { parseJson, slices, type Slice } from './json-scanner.js';
import type { ClientFrame, Destination, InboxQuery, Message } from './message.js';
import { Refusal, type RefusalDetail } from './refusal.js';
import type { RefusalCode } from './codes.js';

export interface DecodeLimits {
  /** Levels of nesting; the frame itself is the first. */
  readonly maxDepth: number;
  /** Keys of the outermost object. */
  readonly maxKeys: number;
  /** Rows of one inbox page. */
  readonly maxPageRows: number;
}

/** A refused frame, with the id that the sender gave it where one could be read. */
export class FrameRefusal extends Refusal {
  constructor(
    code: RefusalCode,
    detail: RefusalDetail,
    readonly id?: string,
  ) {
    super(code, detail);
  }
}

type Fields = ReadonlyMap<string, Slice>;
interface Parsed {
  readonly values: Readonly<Record<string, unknown>>;
  readonly fields: Fields;
}

const SERVER_FIELDS: ReadonlySet<string> = new Set(['src_id', 'src_client_id', 'timestamp', 'seq', 'session_seq']);
/** One of these names where a message goes; a session and a node together a member of it. */
export const DESTINATION_FIELDS = ['dest_id', 'dest_client_id', 'dest_session_id'] as const;
/** What a message of a client may carry. */
export const MESSAGE_FIELDS: ReadonlySet<string> = new Set([
  ...DESTINATION_FIELDS,
  'id',
  'type',
  'payload',
  'payload1',
  'payload2',
  'transient',
  'report',
]);
/** What the control frames of a client may carry, by their type. */
export const CONTROL_FIELDS: ReadonlyMap<number, ReadonlySet<string>> = new Map([
  [TYPE.ack, new Set(['type', 'seq'])],
  [TYPE.fetchInbox, new Set(['type', 'id', 'payload'])],
  [TYPE.areYouThere, new Set(['type', 'id'])],
]);

/** One text frame of a client; throws a `Refusal`: a `FrameRefusal` where the frame has an id that can be read. */
export function decodeFrame(text: string, limits: DecodeLimits): ClientFrame {
  const parsed = parseObject(text, limits);
  return naming(parsed, () => decodeParsed(parsed, limits));
}

/**
 * One element of a REST batch: a message as on the websocket. `mayNameSource`: a trusted backend may set `src_id`.
 */
export function decodeBatchElement(text: string, limits: DecodeLimits, mayNameSource: boolean): Message {
  const parsed = parseObject(text, limits);
  return naming(parsed, () => decodeMessage(parsed, mayNameSource));
}

function decodeParsed(parsed: Parsed, limits: DecodeLimits): ClientFrame {
  if (parsed.fields.size === 0) return { kind: 'alive' };
  const type = parsed.values['type'];
  const allowed = typeof type === 'number' ? CONTROL_FIELDS.get(type) : undefined;
  if (!allowed) return { kind: 'message', message: decodeMessage(parsed, false) };
  refuseUnknown(parsed.fields, allowed);
  if (type === TYPE.ack) return { kind: 'ack', seq: wholeNumber(parsed.values['seq'], 'seq') };
  const id = ownId(parsed.values);
  if (type === TYPE.areYouThere) return { kind: 'areYouThere', ...id };
  return { kind: 'fetchInbox', ...id, query: decodeQuery(parsed, limits) };
}

function parseObject(text: string, limits: DecodeLimits): Parsed {
  const values = parseJson(text, limits.maxDepth);
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw new FrameRefusal('not_an_object', { reason: 'a frame is one JSON object' });
  }
  const found = slices(text);
  if (found.length > limits.maxKeys)
    throw new FrameRefusal('too_many_keys', { reason: `at most ${limits.maxKeys} keys` });
  const parsed = { values: values as Record<string, unknown>, fields: new Map<string, Slice>() };
  return naming(parsed, () => ({ ...parsed, fields: onceEach(found) }));
}

/** Members by name; a parser would silently take the last of two. `prefix` stands before a field's name in a refusal. */
function onceEach(found: readonly Slice[], prefix = ''): Fields {
  const fields = new Map<string, Slice>();
  for (const slice of found) {
    if (fields.has(slice.name)) throw invalid(prefix + slice.name, 'each key once');
    fields.set(slice.name, slice);
  }
  return fields;
}

/** Lets a refusal carry the id of the frame that it answers. */
function naming<T>(parsed: Parsed, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new FrameRefusal(error.code, error, readableId(parsed));
  }
}

function readableId({ values }: Parsed): string | undefined {
  const id = Object.hasOwn(values, 'id') ? values['id'] : undefined;
  return isChosenId(id) ? id : undefined;
}

function decodeMessage({ values, fields }: Parsed, mayNameSource: boolean): Message {
  // First of all: what has a number of the server's is to be refused as that, whatever else it carries or lacks.
  const type = fields.has('type') ? applicationType(values['type']) : 0;
  refuseUnknown(fields, MESSAGE_FIELDS, mayNameSource ? 'src_id' : undefined);
  const destination = decodeDestination(values, fields);
  const transient = flag(values, fields, 'transient');
  return {
    destination,
    ...ownId(values),
    type,
    ...payloads(fields),
    transient,
    report: decodeReport(values, fields, destination, transient),
    ...(fields.has('src_id') ? { srcId: chosenId(values['src_id'], 'src_id') } : {}),
  };
}

function payloads(fields: Fields): Pick<Message, 'payload' | 'payload1' | 'payload2'> {
  const payload = fields.get('payload');
  const payload1 = fields.get('payload1');
  const payload2 = fields.get('payload2');
  return {
    ...(payload && { payload: payload.raw }),
    ...(payload1 && { payload1: payload1.raw }),
    ...(payload2 && { payload2: payload2.raw }),
  };
}

function refuseUnknown(fields: Fields, allowed: ReadonlySet<string>, alsoAllowed?: string): void {
  for (const name of fields.keys()) {
    if (allowed.has(name) || name === alsoAllowed) continue;
    const field = name.slice(0, 128);
    if (SERVER_FIELDS.has(name))
      throw new Refusal('reserved_field', { field, reason: 'only the server sets this field' });
    throw new Refusal('unknown_field', { field, reason: `known are: ${[...allowed].join(', ')}` });
  }
}

function decodeDestination(values: Parsed['values'], fields: Fields): Destination {
  const named = DESTINATION_FIELDS.filter((name) => fields.has(name));
  for (const name of named) if (!isId(values[name])) throw invalid(name, ADDRESS_WANTED);
  const [node, client, session] = DESTINATION_FIELDS.map((name) =>
    fields.has(name) ? (values[name] as string) : undefined,
  );
  if (node !== undefined && session !== undefined && client === undefined) {
    return { kind: 'private', sessionId: session, memberId: node };
  }
  if (named.length !== 1) {
    throw new Refusal('bad_destination', { reason: 'exactly one of dest_id, dest_client_id, dest_session_id' });
  }
  if (node !== undefined) return { kind: 'node', nodeId: node };
  if (client !== undefined) return { kind: 'client', clientId: client };
  return { kind: 'session', sessionId: session as string };
}

function decodeReport(values: Parsed['values'], fields: Fields, to: Destination, transient: boolean): boolean {
  if (!fields.has('report')) return false;
  const report = values['report'];
  if (!Array.isArray(report) || report.length !== 1 || report[0] !== 'delivered')
    throw invalid('report', '["delivered"]');
  if (transient || (to.kind !== 'node' && to.kind !== 'client')) {
    throw invalid('report', 'only with a durable message to a node or a client');
  }
  return true;
}

function applicationType(value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value > MAX_TYPE) {
    throw invalid('type', `an integer from 0 to ${MAX_TYPE}`);
  }
  if (value < 0 || RESERVED_TYPES.has(value)) {
    throw new Refusal('reserved_type', { field: 'type', reason: 'only the server sends this type' });
  }
  return value;
}

function decodeQuery({ values, fields }: Parsed, limits: DecodeLimits): InboxQuery {
  const wanted = '{"fetch_inbox": {after_seq?, before_seq?, after_time?, before_time?, limit?}}';
  const payload = values['payload'];
  if (!isRecord(payload) || Object.keys(payload).some((name) => name !== 'fetch_inbox'))
    throw invalid('payload', wanted);
  const inside = onceEach(slices(fields.get('payload')?.raw ?? ''), 'payload.');
  const bounds = payload['fetch_inbox'];
  if (!isRecord(bounds)) throw invalid('payload.fetch_inbox', wanted);
  onceEach(slices(inside.get('fetch_inbox')?.raw ?? ''), 'payload.fetch_inbox.');
  return inboxQuery(bounds, limits.maxPageRows, 'payload.fetch_inbox.');
}

/** The bounds of an inbox read, as a frame and a query name them. */
export const QUERY_FIELDS = {
  after_seq: 'afterSeq',
  before_seq: 'beforeSeq',
  after_time: 'afterTime',
  before_time: 'beforeTime',
  limit: 'limit',
} as const satisfies Record<string, keyof InboxQuery>;

/** The bounds of an inbox read from their wire names; `prefix` stands before a field's name in a refusal. */
export function inboxQuery(bounds: Readonly<Record<string, unknown>>, maxRows: number, prefix = ''): InboxQuery {
  const query: { -readonly [K in keyof InboxQuery]: number } = {};
  for (const [name, value] of Object.entries(bounds)) {
    const field = prefix + name;
    if (!Object.hasOwn(QUERY_FIELDS, name)) {
      throw new Refusal('unknown_field', { field, reason: `known are: ${Object.keys(QUERY_FIELDS).join(', ')}` });
    }
    query[QUERY_FIELDS[name as keyof typeof QUERY_FIELDS]] = wholeNumber(value, field);
  }
  if (query.limit !== undefined && (query.limit < 1 || query.limit > maxRows)) {
    throw invalid(`${prefix}limit`, `an integer from 1 to ${maxRows}`);
  }
  return query;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function ownId(values: Parsed['values']): { id?: string } {
  return Object.hasOwn(values, 'id') ? { id: chosenId(values['id'], 'id') } : {};
}

function chosenId(value: unknown, field: string): string {
  if (!isChosenId(value)) throw invalid(field, ID_WANTED);
  return value;
}

function flag(values: Parsed['values'], fields: Fields, name: string): boolean {
  if (!fields.has(name)) return false;
  const value = values[name];
  if (typeof value !== 'boolean') throw invalid(name, 'true or false');
  return value;
}

function wholeNumber(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw invalid(field, 'a whole number from 0 to 2^53 - 1');
}

function invalid(field: string, wanted: string): Refusal {
  return new Refusal('invalid_field', { field: field.slice(0, 128), reason: `wanted: ${wanted}` });
}
