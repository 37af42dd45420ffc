import { describe, expect, it } from 'vitest';
import { checkJournal, type Entry, type Of } from './index.js';

type Received = Of<'received'>;

const [GROUP, ALIAS] = ['tea', '~somebody'];
const NODES = ['alice', 'bob', 'carol'];

/** Three in a session, the last of them anonymously; each says one thing after the other, and the rest hears it. */
function soundRun(): Entry[] {
  const joined = NODES.map((node, at): Entry => ({
    what: 'joined',
    group: GROUP,
    node,
    askedAt: at,
    at: at + 0.5,
    ...(node === 'carol' && { alias: ALIAS }),
  }));
  const opened = NODES.map((node): Entry => ({ what: 'opened', reader: `${node}/one`, node, after: 0, at: 4 }));
  const said = NODES.flatMap((src, at): Entry[] => {
    const [id, sentAt] = [`m-${src}`, 10 * (at + 1)];
    const name = { src, dest: GROUP, id };
    const payload = `"of ${src}"`;
    const seen = src === 'carol' ? { src: ALIAS, id: 'made' } : { src, id };
    const heard = NODES.filter((node) => node !== src).map((node): Entry => {
      const seq = NODES.slice(0, at + 1).filter((other) => other !== node).length;
      return {
        what: 'received',
        reader: `${node}/one`,
        node,
        seq,
        ...seen,
        payload,
        group: GROUP,
        groupSeq: at + 2,
        at: sentAt + 2,
      };
    });
    return [
      { what: 'sent', lane: src, ...name, payload, group: GROUP, at: sentAt },
      { what: 'confirmed', ...name, at: sentAt + 1 },
      ...heard,
    ];
  });
  return [...joined, ...opened, ...said];
}

function found(journal: readonly Entry[]): string[] {
  return [...new Set(checkJournal(journal).map(({ invariant }) => invariant))];
}

function changed(node: string, src: string, fields: Partial<Received>): Entry[] {
  return soundRun().map((entry) =>
    entry.what === 'received' && entry.node === node && entry.src === src ? { ...entry, ...fields } : entry,
  );
}

function without(node: string, src: string): Entry[] {
  return soundRun().filter((entry) => entry.what !== 'received' || entry.node !== node || entry.src !== src);
}

const left = (node: string, askedAt: number, at: number): Entry => ({ what: 'left', group: GROUP, node, askedAt, at });

describe('the checker of sessions', () => {
  it('finds nothing in a sound run', () => {
    expect(checkJournal(soundRun())).toEqual([]);
  });

  it('sees a member who left before a message was sent, and heard it', () => {
    expect(found([...soundRun(), left('carol', 5, 6)])).toContain('I10');
  });

  it('sees one who never came, and heard a message', () => {
    const journal = soundRun().filter((entry) => entry.what !== 'joined' || entry.node !== 'bob');
    expect(found(journal)).toContain('I10');
  });

  it('sees a message that was taken from one who had left', () => {
    const journal = soundRun().filter((entry) => entry.what !== 'received' || entry.node !== 'alice');
    expect(found([...journal, left('alice', 5, 6)])).toContain('I10');
  });

  it('lets pass what reaches one who was about to leave, and what does not', () => {
    const leaving = left('bob', 25, 35);
    expect(checkJournal([...soundRun(), leaving])).toEqual([]);
    expect(checkJournal([...without('bob', ALIAS), leaving])).toEqual([]);
  });

  it('sees a member who was there all the time, and did not hear a message', () => {
    expect(found(without('bob', ALIAS))).toEqual(['I1']);
  });

  it('lets a gap stand for what it names, and not for what came before it', () => {
    const gap = { what: 'received', reader: 'bob/one', node: 'bob', src: '', id: '', payload: '' } as const;
    const named: Entry = { ...gap, seq: 2, group: GROUP, groupSeq: 4, event: 'gap', at: 40 };
    expect(checkJournal([...without('bob', ALIAS), named])).toEqual([]);
    expect(found([...without('bob', ALIAS), { ...named, groupSeq: 5 }])).toEqual(['I1']);
  });

  it('sees two messages in each other’s place at one member', () => {
    const numbers = new Map([
      [3, 4],
      [4, 3],
    ]);
    const journal = soundRun().map((entry) =>
      entry.what === 'received' && entry.node === 'alice'
        ? { ...entry, groupSeq: numbers.get(entry.groupSeq ?? 0) ?? 0 }
        : entry,
    );
    expect(found(journal)).toEqual(expect.arrayContaining(['I3', 'I5']));
  });

  it('sees what was answered before another was sent, and stands behind it', () => {
    const numbers = new Map([
      [2, 3],
      [3, 2],
    ]);
    const journal = soundRun().map((entry) =>
      entry.what === 'received'
        ? { ...entry, groupSeq: numbers.get(entry.groupSeq ?? 0) ?? entry.groupSeq ?? 0 }
        : entry,
    );
    expect(found(journal)).toContain('I5');
  });

  it('sees a message that was driven twice', () => {
    const journal = soundRun();
    const again = journal.find((entry) => entry.what === 'received' && entry.node === 'bob') as Received;
    expect(found([...journal, { ...again, seq: 3, at: 50 }])).toContain('I3');
  });

  it('sees words in the mouth of another, and words that nobody said', () => {
    expect(found(changed('bob', ALIAS, { src: 'alice' }))).toEqual(['I2']);
    expect(found(changed('bob', ALIAS, { payload: '"of nobody"' }))).toContain('I2');
  });

  it('sees a private message with anybody but the one that it is for', () => {
    const journal = soundRun().map((entry) =>
      entry.what === 'sent' && entry.src === 'alice' ? { ...entry, to: 'bob', toName: 'bob' } : entry,
    );
    expect(found(journal)).toEqual(['I10']);
  });

  it('sees a private message to an alias whose stay was over', () => {
    const joined: Entry = { what: 'joined', group: GROUP, node: 'carol', askedAt: 7, at: 8, alias: '~another' };
    const journal = soundRun()
      .filter((entry) => entry.what !== 'received' || entry.src !== 'alice' || entry.node === 'carol')
      .map((entry) =>
        entry.what === 'sent' && entry.src === 'alice' ? { ...entry, to: 'carol', toName: ALIAS } : entry,
      );
    expect(found([...journal, left('carol', 5, 6), joined])).toContain('I10');
  });
});
