import { describe, expect, it } from 'vitest';
import { CLOSE, invitesBack, isRetryable, REFUSALS, type RefusalCode } from '../../src/protocol/index.js';
import { apiDescriptionOf, codesOf, operationsOf } from '../support/api-description.js';
import { TestServer } from '../support/test-server.js';
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

/** The codes that say of themselves that they appear there. */
const appearing = (place: string): RefusalCode[] =>
  codes.filter((code) => / Appears in: (.+)\.$/.exec(sections.get(code)![0]!)?.[1]?.split(', ').includes(place));

/** What no call is described with: it was not found. */
const UNDESCRIBED: readonly RefusalCode[] = ['not_found', 'method_not_allowed'];

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

  it('names the handshake for the codes that docs/protocol.md has under "Opening a websocket", and for no other', () => {
    const protocol = textOf('docs/protocol.md');
    const section = protocol.slice(protocol.indexOf('\n## Opening a websocket'), protocol.indexOf('\n## Frames from'));
    expect(appearing('the handshake')).toEqual(codes.filter((code) => section.includes(`\`${code}\``)));
  });

  it('names calls for the codes that the description of the API has, and for no other', async () => {
    const server = await TestServer.start();
    const described = new Set<string>(UNDESCRIBED);
    for (const [, operation] of operationsOf(await apiDescriptionOf(server.url)))
      for (const status of Object.keys(operation.responses))
        for (const code of codesOf(operation, Number(status))) described.add(code);
    await server.stop();
    expect(appearing('REST calls')).toEqual(codes.filter((code) => described.has(code)));
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
