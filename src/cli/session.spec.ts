import type { HistoryPage, Session } from '@allspark/client';
import { describe, expect, it } from 'vitest';
import { EXIT } from './exit-codes.js';
import { historyLine, infoText, leave, memberText, newSessionOf, summaryText } from './session.js';

const session: Session = {
  sessionId: 's1',
  type: 'game',
  owner: null,
  master: '~m',
  anyoneCanJoin: true,
  notifyLimit: 0,
  history: 'joined',
  createdAt: 0,
  metadata: { title: '\u009b2J' },
  you: { nodeId: 'me', alias: '~a' },
  members: [
    { alias: '~m', anonymous: true, role: 'master' },
    { nodeId: 'me', anonymous: false, role: 'member' },
  ],
  nextMembersCursor: null,
};

describe('session create', () => {
  it('asks for what was given and nothing else', () => {
    const asked = JSON.stringify(newSessionOf({ role: 'node' }));
    expect(asked).toBe('{}');
    expect(
      newSessionOf({ role: 'app', game: true, master: 'm', member: ['a', 'b'], metadata: '{"x":1}' }),
    ).toMatchObject({
      type: 'game',
      masterNodeId: 'm',
      members: [{ nodeId: 'a' }, { nodeId: 'b' }],
      metadata: { x: 1 },
    });
  });

  it.each([
    [{ history: 'some' }, '--history some'],
    [{ master: 'm' }, '--game'],
    [{ metadata: '[1]' }, 'a JSON object'],
    [{ metadata: '{bad' }, 'a JSON object'],
  ])('refuses %o', (options, words) => {
    expect(() => newSessionOf({ role: 'node', ...options })).toThrow(words);
  });
});

describe('session', () => {
  it('asks which one when there is no id', async () => {
    const ending = leave({ role: 'node', key: 'k', url: 'http://127.0.0.1:1' }, []);
    await expect(ending).rejects.toMatchObject({ exitCode: EXIT.usage, message: 'which session? Write its id' });
  });

  it('names members by all that is known of them', () => {
    expect(memberText({ nodeId: 'bob', anonymous: false, role: 'owner' })).toBe('bob (owner)');
    expect(memberText({ nodeId: 'bob', alias: '~b', anonymous: true, role: 'member' })).toBe(
      'bob = ~b (member, anonymous)',
    );
  });

  it('says who leads it, or that they are gone', () => {
    expect(summaryText(session)).toBe('s1: game, owner gone, master ~m');
    expect(summaryText({ ...session, type: 'normal', owner: 'alice', master: null })).toBe('s1: normal, owner alice');
  });

  it('shows terms and members, and lets no metadata control the terminal', () => {
    expect(infoText(session).split('\n')).toEqual([
      's1: game, owner gone, master ~m',
      'made 1970-01-01T00:00:00.000Z, anyone can join',
      'messages go to all members; history from when one joined',
      String.raw`metadata {"title":"\u009b2J"}`,
      'you are me, here ~a',
      '2 members:',
      '  ~m (master, anonymous)',
      '  me (member)',
    ]);
    const other = { ...session, you: null, notifyLimit: 5, history: 'all' as const };
    expect(infoText(other)).toContain('you are no member');
    expect(infoText(other)).toContain('the 5 newest members; history from the beginning');
  });

  it('sums up what its history shows and how to read on', () => {
    const page = { messages: [{ kind: 'message', sessionSeq: 4 }], tail: 9, complete: false } as HistoryPage;
    expect(historyLine(page)).toBe('-- 1 shown (tail 9); more behind --after 4');
    expect(historyLine({ ...page, complete: true })).toBe('-- 1 shown (tail 9)');
  });
});
