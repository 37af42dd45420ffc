import { MAX_DEPTH, MAX_FRAME_BYTES, MAX_KEYS, type ExpectedAnswer, type FrameCase } from './frame-cases.js';
import { clientFrame } from './raw-socket.js';

const TO_BOB = '"dest_id":"bob"';
const LONGEST_NAMED_FIELD = 128;

function refused(text: string, code: string, field?: string, id?: string): FrameCase {
  const named: ExpectedAnswer = {
    type: -113,
    code,
    ...(field !== undefined && { field }),
    ...(id !== undefined && { id }),
  };
  const shown = text.length > 60 ? `${text.slice(0, 40)}… (${text.length})` : text;
  return {
    title: `${code} ${field?.slice(0, 40) ?? ''}: ${JSON.stringify(shown)}`,
    bytes: clientFrame(text),
    answers: [named],
  };
}

/** A message to bob with this in it, refused for that field. */
function invalid(fields: string, field: string, id?: string): FrameCase {
  return refused(`{${TO_BOB},${fields}}`, 'invalid_field', field, id);
}

const NOT_JSON = [
  '',
  ' ',
  'hello',
  '{',
  '}',
  `{${TO_BOB}`,
  `{${TO_BOB},}`,
  `{,${TO_BOB}}`,
  `{${TO_BOB} "id":"1"}`,
  `{${TO_BOB}}{}`,
  `{${TO_BOB}} x`,
  "{'dest_id':'bob'}",
  '{dest_id:"bob"}',
  '{"payload":NaN}',
  '{"payload":-Infinity}',
  '{"payload":01}',
  '{"payload":+1}',
  '{"payload":1.}',
  '{"payload":.5}',
  '{"payload":0x10}',
  '{"payload":1e}',
  '{"payload":tru}',
  '{"payload":undefined}',
  '{"payload":"a\nb"}',
  '{"payload":"\u0000"}',
  '{"payload":"\\x41"}',
  '{"payload":"\\ud8"}',
  '{"payload":"open',
  '{"payload":"open\\"}',
  '{"payload":[1,2}',
  '\uFEFF{}',
  '\u00A0{}',
  '{}\u0000',
  '/* nothing */ {}',
  ')]}',
];

function shapes(): FrameCase[] {
  return [
    ...NOT_JSON.map((text) => refused(text, 'bad_json')),
    ...['null', 'true', '-1e5', '"{}"', '[]', '[{}]'].map((text) => refused(text, 'not_an_object')),
    refused(nested(MAX_DEPTH), 'too_deep'),
    ...[1_000, 5_000, 32_000].map((levels) => refused(nested(levels), 'too_deep')),
    refused(`{"payload":${'{"a":'.repeat(12_000)}`, 'too_deep'),
    refused('['.repeat(MAX_FRAME_BYTES), 'too_deep'),
    { title: 'as deep as allowed', bytes: clientFrame(nested(MAX_DEPTH - 1)), answers: [{ type: -121, id: 'p' }] },
    refused(keys(MAX_KEYS + 1), 'too_many_keys'),
    refused(keys(6_000), 'too_many_keys'),
    refused(keys(MAX_KEYS), 'unknown_field', 'k0'),
  ].map(withProbe);
}

/** A transient message to oneself, which only reaches other connections, with so many levels below its own. */
function nested(levels: number): string {
  return `{"dest_id":"mallory","transient":true,"payload":${'['.repeat(levels)}${']'.repeat(levels)}}`;
}

function keys(count: number): string {
  return `{${Array.from({ length: count }, (_none, index) => `"k${index}":1`).join()}}`;
}

/** What needs no answer is followed by a question that does. */
function withProbe(each: FrameCase): FrameCase {
  if (each.answers?.[0]?.type !== -121) return each;
  return { ...each, bytes: Buffer.concat([each.bytes, clientFrame('{"type":-120,"id":"p"}')]) };
}

const UNKNOWN = [
  'colour',
  'DEST_ID',
  'dest_id ',
  '',
  '__proto__',
  'constructor',
  'toString',
  '$where',
  'a.b',
  '\ud800',
  'é',
];

function names(): FrameCase[] {
  const longest = 'k'.repeat(MAX_FRAME_BYTES - 100);
  return [
    ...UNKNOWN.map((name) =>
      refused(`{${TO_BOB},${JSON.stringify(name)}:{"x":1},"id":"n"}`, 'unknown_field', name, 'n'),
    ),
    refused(`{${JSON.stringify(longest)}:1}`, 'unknown_field', longest.slice(0, LONGEST_NAMED_FIELD)),
    refused('{"type":-111,"seq":0,"id":"a"}', 'unknown_field', 'id', 'a'),
    refused('{"type":-120,"payload":1}', 'unknown_field', 'payload'),
    refused('{"type":-101,"payload":{"fetch_inbox":{"limits":1}}}', 'unknown_field', 'payload.fetch_inbox.limits'),
    refused(
      '{"type":-101,"payload":{"fetch_inbox":{"__proto__":1}}}',
      'unknown_field',
      'payload.fetch_inbox.__proto__',
    ),
    ...['src_id', 'src_client_id', 'timestamp', 'seq', 'session_seq'].map((name) =>
      refused(`{${TO_BOB},"${name}":1}`, 'reserved_field', name),
    ),
    ...['payload', 'dest_id', 'id', '__proto__', 'colour'].map((name) =>
      refused(`{"${name}":"b","${name}":"b"}`, 'invalid_field', name, name === 'id' ? 'b' : undefined),
    ),
    refused('{"dest_id":"bob","dest\\u005fid":"bob"}', 'invalid_field', 'dest_id'),
  ];
}

const NOT_IDS = ['null', '1', 'true', '[]', '{}', '""', '"a b"', '"a/b"', '"\\u0000"', '"é"', `"${'a'.repeat(129)}"`];
const NOT_TYPES = ['null', 'true', '"1"', '1.5', '2147483648', '1e400', '[1]'];
const SERVER_TYPES = ['-1', '-3', '-102', '-110', '-112', '-113', '-2147483649', '100', '103', '104', '105'];
const NOT_REPORTS = ['true', 'null', '[]', '["read"]', '["delivered","delivered"]', '"delivered"'];

function values(): FrameCase[] {
  return [
    ...NOT_IDS.map((raw) => refused(`{"dest_id":${raw},"id":"v"}`, 'invalid_field', 'dest_id', 'v')),
    ...[...NOT_IDS, '"~a"'].map((raw) => invalid(`"id":${raw}`, 'id')),
    refused('{"dest_client_id":7}', 'invalid_field', 'dest_client_id'),
    refused('{"dest_session_id":null}', 'invalid_field', 'dest_session_id'),
    ...NOT_TYPES.map((raw) => invalid(`"type":${raw},"id":"t"`, 'type', 't')),
    ...SERVER_TYPES.map((raw) => refused(`{${TO_BOB},"type":${raw}}`, 'reserved_type', 'type')),
    ...['1', 'null', '"true"'].map((raw) => invalid(`"transient":${raw}`, 'transient')),
    ...NOT_REPORTS.map((raw) => invalid(`"report":${raw}`, 'report')),
    invalid('"report":["delivered"],"transient":true', 'report'),
    refused('{"dest_session_id":"s","report":["delivered"]}', 'invalid_field', 'report'),
    ...['{"payload":1}', '{"id":"d"}', '{"type":0}', '{"dest_id":"a","dest_client_id":"b"}'].map((text) =>
      refused(text, 'bad_destination', undefined, text.includes('"d"') ? 'd' : undefined),
    ),
    refused('{"dest_id":"a","dest_client_id":"b","dest_session_id":"c"}', 'bad_destination'),
    refused('{"dest_client_id":"b","dest_session_id":"c"}', 'bad_destination'),
  ];
}

function fetchInbox(payload: string): string {
  return `{"type":-101,"id":"f","payload":${payload}}`;
}

function controls(): FrameCase[] {
  const wrongPayloads = ['null', '[]', '1', '{"fetch_inbox":{},"more":1}'];
  const wrongBounds = ['after_seq":"1', 'before_seq":"', 'limit":"1'].map((each) => `{"${each}"}`);
  return [
    refused('{"type":-111}', 'invalid_field', 'seq'),
    ...['null', '"1"', '-1', '0.5', '9007199254740992', '1e400', '[]', '1'].map((raw) =>
      refused(`{"type":-111,"seq":${raw}}`, 'invalid_field', 'seq'),
    ),
    refused('{"type":-120,"id":7}', 'invalid_field', 'id'),
    refused('{"type":-101}', 'invalid_field', 'payload'),
    ...wrongPayloads.map((payload) => refused(fetchInbox(payload), 'invalid_field', 'payload', 'f')),
    ...['null', '[]', '1'].map((raw) =>
      refused(fetchInbox(`{"fetch_inbox":${raw}}`), 'invalid_field', 'payload.fetch_inbox', 'f'),
    ),
    ...wrongBounds.map((raw) =>
      refused(fetchInbox(`{"fetch_inbox":${raw}}`), 'invalid_field', `payload.fetch_inbox.${raw.split('"')[1]}`, 'f'),
    ),
    ...['0', '1001', '-1', '1.5'].map((raw) =>
      refused(fetchInbox(`{"fetch_inbox":{"limit":${raw}}}`), 'invalid_field', 'payload.fetch_inbox.limit', 'f'),
    ),
  ];
}

/** Text frames that are refused while the connection stays: the code, the field, and the id where it can be read. */
export function jsonCases(): FrameCase[] {
  return [...shapes(), ...names(), ...values(), ...controls()];
}
