import { describe, expect, it } from 'vitest';
import { decodeBatchElement, decodeFrame, FrameRefusal, inboxQuery } from './decoder.js';
import { Refusal } from './refusal.js';

const LIMITS = { maxDepth: 32, maxKeys: 64, maxPageRows: 1_000 };

function refusalOf(text: string): string {
  try {
    decodeFrame(text, LIMITS);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const id = error instanceof FrameRefusal && error.id !== undefined ? ` of ${error.id}` : '';
    return `${error.code}${error.field === undefined ? '' : ` ${error.field}`}${id}`;
  }
  return 'taken';
}

function messageOf(text: string): unknown {
  const frame = decodeFrame(text, LIMITS);
  return frame.kind === 'message' ? frame.message : undefined;
}

const many = Array.from({ length: 65 }, (_, index) => `"k${index}":1`).join();

function nested(levels: number): string {
  return `{"dest_id":"b","payload":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
}

describe('a refused frame', () => {
  it.each<[string, string]>([
    ['', 'bad_json'],
    ['nonsense', 'bad_json'],
    ['{"dest_id":"b"', 'bad_json'],
    ['{"dest_id":"b",}', 'bad_json'],
    ["{'dest_id':'b'}", 'bad_json'],
    ['{"dest_id":"b"} {}', 'bad_json'],
    ['\ufeff{"dest_id":"b"}', 'bad_json'],
    ['{"dest_id":"b","payload":NaN}', 'bad_json'],
    ['{"dest_id":"b","payload":"\u0001"}', 'bad_json'],
    ['[]', 'not_an_object'],
    ['[{"dest_id":"b"}]', 'not_an_object'],
    ['null', 'not_an_object'],
    ['"text"', 'not_an_object'],
    ['1', 'not_an_object'],
    [nested(33), 'too_deep'],
    ['['.repeat(40_000), 'too_deep'],
    [`{${many}}`, 'too_many_keys'],
    ['{"dest_id":"b","foo":1,"id":"m1"}', 'unknown_field foo of m1'],
    ['{"dest_id":"b","__proto__":{"type":-111}}', 'unknown_field __proto__'],
    ['{"dest_id":"b","constructor":1}', 'unknown_field constructor'],
    ['{"dest_id":"b","Payload":1}', 'unknown_field Payload'],
    ['{"dest_id":"b","d\\u0065st_id":"c"}', 'invalid_field dest_id'],
    ['{"id":"m1","dest_id":"b","dest_id":"b"}', 'invalid_field dest_id of m1'],
    ['{"dest_id":"b","payload":1,"payload":1}', 'invalid_field payload'],
    ['{"dest_id":"b","src_id":"a"}', 'reserved_field src_id'],
    ['{"dest_id":"b","src_client_id":"a"}', 'reserved_field src_client_id'],
    ['{"dest_id":"b","timestamp":1}', 'reserved_field timestamp'],
    ['{"dest_id":"b","seq":1,"id":"m1"}', 'reserved_field seq of m1'],
    ['{"dest_id":"b","session_seq":1}', 'reserved_field session_seq'],
    ['{"payload":1}', 'bad_destination'],
    ['{"id":"m1"}', 'bad_destination of m1'],
    ['{"type":5}', 'bad_destination'],
    ['{"dest_id":"b","dest_client_id":"c","id":"m1"}', 'bad_destination of m1'],
    ['{"dest_client_id":"b","dest_session_id":"c"}', 'bad_destination'],
    ['{"dest_id":"a","dest_client_id":"b","dest_session_id":"c"}', 'bad_destination'],
    ['{"dest_id":null}', 'invalid_field dest_id'],
    ['{"dest_id":7}', 'invalid_field dest_id'],
    ['{"dest_id":""}', 'invalid_field dest_id'],
    ['{"dest_id":"a b"}', 'invalid_field dest_id'],
    ['{"dest_id":"b\\n"}', 'invalid_field dest_id'],
    [`{"dest_id":"${'b'.repeat(129)}"}`, 'invalid_field dest_id'],
    ['{"dest_client_id":["b"]}', 'invalid_field dest_client_id'],
    ['{"dest_session_id":{}}', 'invalid_field dest_session_id'],
    ['{"dest_id":"b","id":null}', 'invalid_field id'],
    ['{"dest_id":"b","id":7}', 'invalid_field id'],
    ['{"dest_id":"b","id":""}', 'invalid_field id'],
    ['{"dest_id":"b","id":"~m"}', 'invalid_field id'],
    ['{"dest_id":"b","id":"ä"}', 'invalid_field id'],
    [`{"dest_id":"b","id":"${'b'.repeat(129)}"}`, 'invalid_field id'],
    ['{"dest_id":"b","type":"5"}', 'invalid_field type'],
    ['{"dest_id":"b","type":null}', 'invalid_field type'],
    ['{"dest_id":"b","type":1.5}', 'invalid_field type'],
    ['{"dest_id":"b","type":2147483648}', 'invalid_field type'],
    ['{"dest_id":"b","type":1e400}', 'invalid_field type'],
    ...[100, 103, 104, 105, -1, -112, -200].map((type): [string, string] => [
      `{"dest_id":"b","type":${type},"id":"m1"}`,
      'reserved_type type of m1',
    ]),
    ['{"type":-112,"id":"m1","status":"stored"}', 'reserved_type type of m1'],
    ['{"type":-110}', 'reserved_type type'],
    ['{"dest_id":"b","transient":1}', 'invalid_field transient'],
    ['{"dest_id":"b","transient":null}', 'invalid_field transient'],
    ['{"dest_id":"b","transient":"true"}', 'invalid_field transient'],
    ['{"dest_id":"b","report":null}', 'invalid_field report'],
    ['{"dest_id":"b","report":"delivered"}', 'invalid_field report'],
    ['{"dest_id":"b","report":[]}', 'invalid_field report'],
    ['{"dest_id":"b","report":["read"]}', 'invalid_field report'],
    ['{"dest_id":"b","report":["delivered","delivered"]}', 'invalid_field report'],
    ['{"dest_id":"b","report":["delivered"],"transient":true}', 'invalid_field report'],
    ['{"dest_session_id":"s","report":["delivered"]}', 'invalid_field report'],
    ['{"dest_session_id":"s","dest_id":"b","report":["delivered"]}', 'invalid_field report'],
    ['{"type":-111}', 'invalid_field seq'],
    ['{"type":-111,"seq":null}', 'invalid_field seq'],
    ['{"type":-111,"seq":-1}', 'invalid_field seq'],
    ['{"type":-111,"seq":1.5}', 'invalid_field seq'],
    ['{"type":-111,"seq":9007199254740992}', 'invalid_field seq'],
    ['{"type":-111,"seq":"1"}', 'invalid_field seq'],
    ['{"type":-111,"seq":1,"id":"m1"}', 'unknown_field id of m1'],
    ['{"type":-111,"seq":1,"dest_id":"b"}', 'unknown_field dest_id'],
    ['{"type":-120,"id":7}', 'invalid_field id'],
    ['{"type":-120,"seq":1}', 'reserved_field seq'],
    ['{"type":-101}', 'invalid_field payload'],
    ['{"type":-101,"payload":[]}', 'invalid_field payload'],
    ['{"type":-101,"payload":{}}', 'invalid_field payload.fetch_inbox'],
    ['{"type":-101,"payload":{"fetch_inbox":null}}', 'invalid_field payload.fetch_inbox'],
    ['{"type":-101,"payload":{"fetch_inbox":{},"more":1}}', 'invalid_field payload'],
    ['{"type":-101,"id":"q","payload":{"fetch_inbox":{"after":1}}}', 'unknown_field payload.fetch_inbox.after of q'],
    ['{"type":-101,"payload":{"fetch_inbox":{"after_seq":-1}}}', 'invalid_field payload.fetch_inbox.after_seq'],
    ['{"type":-101,"payload":{"fetch_inbox":{"before_time":null}}}', 'invalid_field payload.fetch_inbox.before_time'],
    ['{"type":-101,"payload":{"fetch_inbox":{"limit":0}}}', 'invalid_field payload.fetch_inbox.limit'],
    ['{"type":-101,"payload":{"fetch_inbox":{"limit":1001}}}', 'invalid_field payload.fetch_inbox.limit'],
    ['{"type":-101,"payload":{"fetch_inbox":{"limit":1,"limit":2}}}', 'invalid_field payload.fetch_inbox.limit'],
    ['{"type":-101,"payload":{"fetch_inbox":{},"fetch_inbox":{}}}', 'invalid_field payload.fetch_inbox'],
    ['{"type":-101,"payload":{"fetch_inbox":{"__proto__":1}}}', 'unknown_field payload.fetch_inbox.__proto__'],
  ])('%# %s', (text, wanted) => {
    expect(refusalOf(text)).toBe(wanted);
  });

  it('never repeats a long name of a field whole', () => {
    expect(refusalOf(`{"dest_id":"b","${'x'.repeat(1_000)}":1}`)).toBe(`unknown_field ${'x'.repeat(128)}`);
  });
});

describe('a frame', () => {
  it.each<[string, object]>([
    ['{}', { kind: 'alive' }],
    [' { } ', { kind: 'alive' }],
    ['{"type":-111,"seq":7}', { kind: 'ack', seq: 7 }],
    ['{"type":-120}', { kind: 'areYouThere' }],
    ['{"type":-120,"id":"p1"}', { kind: 'areYouThere', id: 'p1' }],
    ['{"type":-101,"payload":{"fetch_inbox":{}}}', { kind: 'fetchInbox', query: {} }],
    [
      '{"type":-101,"id":"q","payload":{"fetch_inbox":{"after_seq":1,"before_seq":2,"after_time":3,"before_time":4,"limit":5}}}',
      { kind: 'fetchInbox', id: 'q', query: { afterSeq: 1, beforeSeq: 2, afterTime: 3, beforeTime: 4, limit: 5 } },
    ],
  ])('%s is understood', (text, wanted) => {
    expect(decodeFrame(text, LIMITS)).toEqual(wanted);
  });

  it('without more than a destination is a durable message of type 0', () => {
    const message = { destination: { kind: 'node', nodeId: 'b' }, type: 0, transient: false, report: false };
    expect(decodeFrame('{"dest_id":"b"}', LIMITS)).toEqual({ kind: 'message', message });
  });

  it('may name every kind of destination', () => {
    expect(messageOf('{"dest_client_id":"c","report":["delivered"]}')).toMatchObject({
      destination: { kind: 'client', clientId: 'c' },
      report: true,
    });
    expect(messageOf('{"dest_session_id":"s"}')).toMatchObject({
      destination: { kind: 'session', sessionId: 's' },
    });
    expect(messageOf('{"dest_session_id":"s","dest_id":"~x"}')).toMatchObject({
      destination: { kind: 'private', sessionId: 's', memberId: '~x' },
    });
  });

  it.each(['0', '1', '2147483647', '1.0', '1e1', '-0'])('may have the type %s', (type) => {
    expect(refusalOf(`{"dest_id":"b","type":${type}}`)).toBe('taken');
  });

  it('may be 32 levels deep and have 64 keys', () => {
    expect(refusalOf(nested(32))).toBe('taken');
    expect(refusalOf(nested(33))).toBe('too_deep');
    const keys = Array.from({ length: 64 }, (_, index) => `"k${index}":1`).join();
    expect(refusalOf(`{${keys}}`)).toBe('unknown_field k0');
  });

  it('may be named by escapes, and brackets in strings are no depth', () => {
    expect(refusalOf('{"\\u0064est_id":"\\u0062"}')).toBe('taken');
    expect(refusalOf(`{"dest_id":"b","payload":"${'[{'.repeat(100)}\\"${'['.repeat(50)}"}`)).toBe('taken');
  });
});

function decode(text: string, trusted = false): object {
  return decodeBatchElement(text, LIMITS, trusted);
}

describe('an element of a batch', () => {
  it('is a message, and may name its source only when a trusted backend sends it', () => {
    expect(decode('{"dest_id":"b","src_id":"a"}', true)).toMatchObject({ srcId: 'a' });
    expect(() => decode('{"dest_id":"b","src_id":"a"}')).toThrow('reserved_field');
    expect(() => decode('{"dest_id":"b","src_id":null}', true)).toThrow('invalid_field');
  });

  it.each([
    ['{}', 'bad_destination'],
    ['{"type":-111,"seq":1}', 'reserved_type'],
    ['{"type":-120}', 'reserved_type'],
    ['[]', 'not_an_object'],
    [nested(33), 'too_deep'],
  ])('%# is no other frame: %s', (text, code) => {
    expect(() => decode(text)).toThrow(code);
  });
});

describe('the bounds of an inbox read', () => {
  it('are named in a refusal as the caller named them', () => {
    expect(() => inboxQuery({ limit: 1_001 }, 1_000)).toThrow(expect.objectContaining({ field: 'limit' }));
    expect(inboxQuery({ limit: 1_000, after_seq: 0 }, 1_000)).toEqual({ limit: 1_000, afterSeq: 0 });
  });
});
