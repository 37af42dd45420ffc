import { array, assert, constantFrom, dictionary, jsonValue, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutBatch } from './batch-text.js';

describe('the cutting of a batch', () => {
  it.each([
    ['{"messages":[]}', '{"messages":[]}', []],
    ['{"messages":[{}]}', '{"messages":[{}]}', ['{}']],
    [' { "messages" : [ { "a" : [1,{}] } , 5, "x" ] } ', ' { "messages" : [ {} , 5, "x" ] } ', ['{ "a" : [1,{}] }']],
    ['{"messages":[{"a":"]}\\"[{"},{"b":1e400}]}', '{"messages":[{},{}]}', ['{"a":"]}\\"[{"}', '{"b":1e400}']],
    ['{"messages":[[1],{"a":1,"a":2}]}', '{"messages":[{},{}]}', ['[1]', '{"a":1,"a":2}']],
  ])('of %s keeps the frame and the elements as they stand', (text, skeleton, cut) => {
    expect(cutBatch(text)).toEqual({ skeleton, cut });
  });

  it('keeps every element byte for byte', () => {
    const element = dictionary(string(), jsonValue()).map((value) => JSON.stringify(value, null, 1));
    const batches = array(element);
    assert(
      property(batches, (texts) => {
        const { skeleton, cut } = cutBatch(`{"messages":[${texts.join(' , ')}]}`);
        expect(cut).toEqual(texts);
        expect(JSON.parse(skeleton)).toEqual({ messages: texts.map(() => ({})) });
      }),
    );
  });

  it('ends on any text', () => {
    const pieces = array(constantFrom('{', '}', '[', ']', '"', '\\', ',', ':', '1', ' ', '"messages":'));
    assert(property(pieces, (some) => void cutBatch(some.join(''))));
    expect(cutBatch('['.repeat(100_000)).cut).toEqual([]);
  });
});
