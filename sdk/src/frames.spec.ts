import { describe, expect, it } from 'vitest';
import { encodeMessage, parseFrame, parseInboxPage } from './frames.js';

describe('frames', () => {
  it('writes only what was given, and raw text byte for byte', () => {
    expect(encodeMessage({ destId: 'b', payload: { a_b: [1] }, rawPayload1: '{"x":1e400, "x":2}' }, 'i1')).toBe(
      '{"dest_id":"b","id":"i1","payload":{"a_b":[1]},"payload1":{"x":1e400, "x":2}}',
    );
  });

  it('refuses raw text that would break out of its place', () => {
    expect(() => encodeMessage({ destId: 'b', rawPayload: '1,"dest_id":"c"' }, 'i1')).toThrow(/invalid_field/);
  });

  it.each(['', '~x', 'a b', 'x'.repeat(129)])('refuses the id "%s", whose answer would not come back', (id) => {
    expect(() => encodeMessage({ destId: 'b' }, id)).toThrow(/invalid_field/);
  });

  it.each([() => 1, 1n])('refuses a payload that is no JSON value', (payload) => {
    expect(() => encodeMessage({ destId: 'b', payload }, 'i1')).toThrow(/invalid_field/);
  });

  it('reads a message with its own payload names and its raw text', () => {
    const raw = '{"src_id":"a","id":"i","type":7,"seq":3,"timestamp":1,"payload":{"a_b":1}}';
    expect(parseFrame(raw)).toMatchObject({ kind: 'message', srcId: 'a', type: 7, seq: 3, payload: { a_b: 1 }, raw });
  });

  it('shows inbox entries of unknown kinds instead of skipping their seq', () => {
    expect(parseFrame('{"type":-900,"seq":4}')).toMatchObject({ kind: 'message', type: -900, seq: 4 });
    expect(parseFrame('{"type":-900}')).toMatchObject({ kind: 'unknown' });
    expect(parseFrame('[1]')).toMatchObject({ kind: 'unknown' });
  });

  it('reads a page of the inbox with the bytes of every message', () => {
    const one = '{"type":0,"id":"a","src_id":"s","seq":1,"timestamp":1,"payload":1e400}';
    const page = parseInboxPage(
      `{"messages":[${one}, {"type":-116,"seq":2,"reason":"expired"}],"epoch":"e","floor_seq":1,"complete":true}`,
    );
    expect(page).toMatchObject({ epoch: 'e', floorSeq: 1, complete: true });
    expect(page.messages.map((entry) => entry.kind)).toEqual(['message', 'gone']);
    expect(page.messages[0]?.raw).toBe(one);
  });
});
