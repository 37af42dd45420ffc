import { describe, expect, it } from 'vitest';
import { CLOSE, invitesBack, isRetryable, REFUSALS, type RefusalCode } from '../../src/protocol/index.js';
import { tables, textOf } from './markdown.js';

/** Each section by its heading: the line on status and use, and the rest. */
const sections = new Map(
  textOf('docs/errors.md')
    .split(/^## /m)
    .slice(1)
    .map((section): [string, string[]] => {
      const [heading = '', , facts = '', ...text] = section.split('\n');
      return [heading, [facts, text.join('\n')]];
    }),
);
const codes = Object.keys(REFUSALS) as RefusalCode[];
const closes = tables(textOf('docs/protocol.md'))
  .filter(({ head }) => head[0] === 'code' && head[1] === 'come back')
  .flatMap(({ rows }) => rows.map(([code = '']) => Number(code)));

describe('docs/errors.md', () => {
  it('has an anchor for every code and every close code, and no other', () => {
    expect(closes).toEqual(expect.arrayContaining(Object.values(CLOSE)));
    expect([...sections.keys()].sort()).toEqual([...codes, ...closes.map(String)].sort());
  });

  it.each(codes)('says of %s its status and whether the same may be tried again', (code) => {
    const [facts] = sections.get(code)!;
    const again = isRetryable(code) ? 'try the same again after `retry_after_ms`' : 'final';
    expect(facts).toMatch(new RegExp(`^${REFUSALS[code].status}, ${again}\\. Appears in: .+\\.$`));
  });

  it.each(closes)('says of %i whether to come back', (code) => {
    const [facts] = sections.get(String(code))!;
    expect(facts).toBe(`Close code: ${invitesBack(code) ? 'come back' : 'do not come back by yourself'}.`);
  });

  it('says of each what it means and what to do', () => {
    for (const [heading, [, text = '']] of sections) {
      const [means = '', advice = ''] = text.split('**What to do.** ');
      expect([heading, means.trim().length > 20, advice.trim().length > 5]).toEqual([heading, true, true]);
    }
  });
});
