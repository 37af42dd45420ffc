import { describe, expect, it } from 'vitest';
import { EXIT } from './exit-codes.js';
import { failureCode, failureLines } from './failure.js';
import { CliFault, usage } from './fault.js';

describe('a failure', () => {
  it('is told in its own words, with what to do', () => {
    expect(failureLines(usage('to whom?', 'Write --to NODE'))).toEqual(['allspark: to whom?', 'Write --to NODE']);
    expect(failureLines(new CliFault(EXIT.config, 'one\n\ntwo\n'))).toEqual(['allspark: one', '', 'two']);
    expect(failureLines('thrown text')).toEqual(['allspark: thrown text']);
  });

  it('has the code of its kind', () => {
    expect(failureCode(usage('x'))).toBe(EXIT.usage);
    expect(failureCode(Object.assign(new Error('disk full'), { code: 'ENOSPC' }))).toBe(EXIT.io);
    expect(failureCode(new TypeError('x is not a function'))).toBe(EXIT.internal);
  });
});
