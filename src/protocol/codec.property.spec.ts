import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFrame } from './decoder.js';
import { durableFrame, inboxPageFrame, messageBody, transientFrame } from './encoder.js';
import { slices } from './json-scanner.js';
import type { Message } from './message.js';
import { Refusal } from './refusal.js';

const LIMITS = { maxDepth: 32, maxKeys: 64, maxPageRows: 1_000 };
const SOURCE = { srcId: 'a', srcClientId: 'c' };

const space = fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r'), maxLength: 3 });
const escapes = fc.constantFrom('\\"', '\\\\', '\\/', '\\b', '\\n', '\\u0000', '\\ud800', '\\udc00', '\\u2028', '\\"}');
const quoted = fc
  .array(
    fc.oneof(
      escapes,
      fc.string({ unit: 'grapheme', maxLength: 4 }).map((text) => JSON.stringify(text).slice(1, -1)),
    ),
  )
  .map((parts) => `"${parts.join('')}"`);
const number = fc.oneof(
  fc.constantFrom('1e400', '-1e400', '1152921504606846976', '-0', '0.10', '1E+2', '123456789012345678901234567890'),
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .map(String)
    .filter((text) => !text.includes('Infinity')),
);

/** JSON text as nobody's serialiser writes it: odd white space, escapes, keys twice, numbers that no parser keeps. */
const { json } = fc.letrec<{ json: string; list: string; record: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.constantFrom('null', 'true', 'false', '{}', '[]'),
    number,
    quoted,
    tie('list'),
    tie('record'),
  ),
  list: fc
    .array(fc.tuple(space, tie('json'), space), { maxLength: 4 })
    .map((items) => `[${items.map((item) => item.join('')).join()}]`),
  record: fc
    .array(fc.tuple(space, fc.oneof(fc.constant('"same"'), fc.constant('"__proto__"'), quoted), space, tie('json')), {
      maxLength: 4,
    })
    .map((items) => `{${items.map(([before, key, between, value]) => `${before}${key}${between}:${value}`).join()}}`),
}));

const id = fc.string({ unit: fc.constantFrom(...'abzAZ09_-.:~@'.split('')), minLength: 1, maxLength: 128 });
const chosen = id.filter((text) => !text.startsWith('~'));

function decoded(text: string): Message {
  const frame = decodeFrame(text, LIMITS);
  if (frame.kind !== 'message') throw new Error('no message');
  return frame.message;
}

function rawOf(text: string, name: string): string | undefined {
  return slices(text).find((slice) => slice.name === name)?.raw;
}

describe('a payload', () => {
  it('arrives byte for byte on every way out', () => {
    fc.assert(
      fc.property(json, json, json, space, (first, second, third, gap) => {
        const fields = [
          `"payload" :${gap}${first}${gap}`,
          `"payload2":${second}`,
          '"dest_id":"b"',
          `"payload1":${third}`,
        ];
        const body = messageBody(decoded(`${gap}{${fields.join(`${gap},${gap}`)}}${gap}`), 'm1', SOURCE);
        for (const frame of [body, durableFrame(7, 8, body), transientFrame(8, body)]) {
          expect(rawOf(frame, 'payload')).toBe(first);
          expect(rawOf(frame, 'payload1')).toBe(third);
          expect(rawOf(frame, 'payload2')).toBe(second);
          expect(() => JSON.parse(frame) as unknown).not.toThrow();
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('arrives byte for byte in a page', () => {
    fc.assert(
      fc.property(fc.array(json, { maxLength: 5 }), (payloads) => {
        const bodies = payloads.map((payload) =>
          messageBody(decoded(`{"dest_id":"b","payload":${payload}}`), 'm', SOURCE),
        );
        const frames = bodies.map((body, index) => durableFrame(index + 1, 5, body));
        const numbers = { epoch: 'e', floorSeq: 1, tailSeq: 9, ackedSeq: 0, complete: true };
        const page = rawOf(inboxPageFrame({ frames, ...numbers }, 'q'), 'payload') as string;
        const shown = slices(rawOf(page, 'messages') as string).map(({ raw }) => rawOf(raw, 'payload'));
        expect(shown).toEqual(payloads);
      }),
    );
  });

  it.each([
    '{"same":1,"same":2}',
    '1e400',
    '1152921504606846976',
    '"\\u00e9\\/\\ud800"',
    '[ 1 ,\t2\n]',
    '{"__proto__":{"type":-111}}',
    '-0',
    '1.0',
    'null',
    '"\u2028\u{1f600}"',
  ])('of %s stays as it is', (payload) => {
    expect(decoded(`{"dest_id":"b","payload": ${payload} }`).payload).toBe(payload);
  });
});

describe('what is encoded', () => {
  it('decodes to what it was made of', () => {
    const destination = fc.oneof(
      id.map((nodeId) => ({ kind: 'node' as const, nodeId })),
      id.map((clientId) => ({ kind: 'client' as const, clientId })),
      id.map((sessionId) => ({ kind: 'session' as const, sessionId })),
      fc.tuple(id, id).map(([sessionId, memberId]) => ({ kind: 'private' as const, sessionId, memberId })),
    );
    const type = fc.integer({ min: 0, max: 2_147_483_647 }).filter((drawn) => ![100, 103, 104, 105].includes(drawn));
    fc.assert(
      fc.property(
        destination,
        chosen,
        type,
        fc.boolean(),
        fc.option(json, { nil: undefined }),
        (to, name, kind, transient, payload) => {
          const message: Message = {
            destination: to,
            id: name,
            type: kind,
            transient,
            report: false,
            ...(payload !== undefined && { payload }),
          };
          const body = messageBody(message, name, { srcId: 'a', srcClientId: null });
          expect(decoded(body.replace(',"src_id":"a"', ''))).toEqual(message);
        },
      ),
    );
  });
});

describe('the scanner', () => {
  it('finds the members that a parser finds, and their text', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(quoted, json), { maxLength: 6 }), space, (members, gap) => {
        const text = `${gap}{${gap}${members.map(([key, value]) => `${key}${gap}:${gap}${value}`).join(`${gap},${gap}`)}${gap}}`;
        const wanted = members.map(([key, value]) => ({ name: JSON.parse(key) as string, raw: value }));
        expect(slices(text)).toEqual(wanted);
      }),
      { numRuns: 500 },
    );
  });
});

describe('any text at all', () => {
  const seeds = [
    '{"dest_id":"b","id":"m1","type":5,"payload":{"a":[1,"\\"]}"]},"report":["delivered"]}',
    '{"type":-101,"id":"q","payload":{"fetch_inbox":{"after_seq":1,"limit":5}}}',
    '{"type":-111,"seq":7}',
    '{"dest_session_id":"s","dest_id":"~x","transient":true,"payload1":"\\ud83d\\ude00"}',
  ];
  const bits = fc.oneof(
    fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      '\\',
      ',',
      ':',
      '\\u',
      '\\"',
      'null',
      '-',
      '1e999',
      '"__proto__":',
      ' ',
      '\u0000',
    ),
    fc.string({ maxLength: 3 }),
  );
  const edit = fc.record({ at: fc.nat(100), cut: fc.nat(6), put: bits });
  const mutated = fc
    .tuple(fc.constantFrom(...seeds), fc.array(edit, { minLength: 1, maxLength: 4 }))
    .map(([seed, edits]) =>
      edits.reduce((text, { at, cut, put }) => {
        const from = at % (text.length + 1);
        return text.slice(0, from) + put + text.slice(from + cut);
      }, seed),
    );

  it('is decoded or refused with a code of the catalogue, never anything else', () => {
    let refused = 0;
    fc.assert(
      fc.property(fc.oneof({ weight: 5, arbitrary: mutated }, { weight: 1, arbitrary: fc.string() }), (text) => {
        try {
          decodeFrame(text, LIMITS);
        } catch (error) {
          refused += 1;
          expect(error).toBeInstanceOf(Refusal);
        }
      }),
      { numRuns: 20_000, seed: 4_711 },
    );
    expect(refused).toBeGreaterThan(5_000);
  });
});
