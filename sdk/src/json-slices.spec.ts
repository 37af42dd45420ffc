import { describe, expect, it } from 'vitest';
import { rawElements, rawField, rawFields } from './json-slices.js';

describe('slices of JSON text', () => {
  it.each(['1e400', '1152921504606846977', '"\\u0041\\"}]"', '{"a":1, "a":[2,{"]":"\\\\"}]}', 'null', '[ ]', '-0.0'])(
    'gives %s as it was written',
    (payload) => {
      expect(rawField(`{ "id" : "x" ,"payload": ${payload} , "seq":1}`, 'payload')).toBe(payload);
      expect(rawElements(`[${payload}, ${payload} ]`)).toEqual([payload, payload]);
    },
  );

  it('knows empty objects and arrays, and fields that are not there', () => {
    expect(rawFields('{}').size).toBe(0);
    expect(rawElements(' [ ] ')).toEqual([]);
    expect(rawField('{"a":1}', 'b')).toBeUndefined();
  });
});
