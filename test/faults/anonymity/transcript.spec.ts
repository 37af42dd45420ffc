import { describe, expect, it } from 'vitest';
import { areaUnderCurve, differenceOf, Transcript } from './transcript.js';

function textOf(...lines: string[]): string {
  const transcript = new Transcript();
  for (const line of lines) transcript.add(line);
  return transcript.text;
}

const [one, other] = ['~Kq3vXn0bT1mZ8yR4cW6dUw', '~mJ0b2nT7aQ9xL4vE1cZ5kw'];

describe('a transcript', () => {
  it('is the same for two runs that differ in times and in ids that were made', () => {
    const first = textOf(`{"src_id":"${one}","timestamp":1}`, `{"id":"0197a0c2-0000-7000-8000-000000000001"}`);
    const second = textOf(`{"src_id":"${other}","timestamp":2}`, `{"id":"0197a0c2-0000-7000-8000-000000000002"}`);
    expect(differenceOf(first, second)).toBeUndefined();
  });

  it('differs where an id stands for another thing', () => {
    expect(differenceOf(textOf(`"${one}"`, `"${one}"`), textOf(`"${one}"`, `"${other}"`))).toContain('line 2');
  });

  it('differs where somebody is told more', () => {
    expect(differenceOf(textOf('"a"'), textOf('"a"', '{"type":-4}'))).toContain('-4');
    expect(differenceOf(textOf('{"src_id":"north"}'), textOf('{"src_id":"south"}'))).toContain('line 1');
  });
});

describe('the area under the curve', () => {
  it('is a half for values that tell nothing, and one for those that tell all', () => {
    expect(areaUnderCurve([1, 2, 3], [1, 2, 3])).toBe(0.5);
    expect(areaUnderCurve([1, 2, 3], [4, 5, 6])).toBe(1);
    expect(areaUnderCurve([4, 5, 6], [1, 2, 3])).toBe(1);
  });
});
