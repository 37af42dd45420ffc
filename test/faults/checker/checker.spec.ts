import { describe, expect, it } from 'vitest';
import { checkJournal, type Entry } from './index.js';

type Received = Extract<Entry, { what: 'received' }>;

/** Two senders, two readers of one inbox, six messages, all as it should be. */
function soundRun(): Entry[] {
  const messages = [1, 2, 3, 4, 5, 6].map((seq) => ({
    seq,
    src: seq % 2 === 0 ? 'alice' : 'carol',
    id: `m${seq}`,
    payload: `"${seq}"`,
  }));
  return [
    ...messages.map(({ src, id, payload }): Entry => ({ what: 'sent', lane: src, src, dest: 'bob', id, payload })),
    ...messages.map(({ src, id }): Entry => ({ what: 'confirmed', src, dest: 'bob', id })),
    ...['one', 'two'].flatMap((reader): Entry[] => [
      { what: 'opened', reader, node: 'bob', after: 0 },
      ...messages.map((message): Entry => ({ what: 'received', reader, node: 'bob', ...message })),
    ]),
    { what: 'acked', node: 'bob', seq: 3 },
    { what: 'acked', node: 'bob', seq: 6 },
  ];
}

/** Where reader one got this seq. */
function placeOf(journal: readonly Entry[], seq: number): number {
  return journal.findIndex((entry) => entry.what === 'received' && entry.reader === 'one' && entry.seq === seq);
}

function change(seq: number, fields: Partial<Received>): Entry[] {
  const journal = soundRun();
  const place = placeOf(journal, seq);
  journal[place] = { ...(journal[place] as Received), ...fields };
  return journal;
}

/** While one reader is connected and another is not, a sender is told that the node is offline. */
function calledOffline({ openedAt = 1, closedAt = 9 } = {}): Entry[] {
  const name = { src: 'alice', dest: 'bob', id: 'm1' };
  return [
    { what: 'opened', reader: 'bob/one', node: 'bob', after: 0, at: openedAt },
    { what: 'closed', client: 'bob/one', code: 1006, at: closedAt },
    { what: 'sent', lane: 'alice', ...name, payload: '"1"', at: 3 },
    { what: 'refused', ...name, code: 'retry_later', retryAfterMs: 1, at: 4 },
    { what: 'offline', ...name, at: 5 },
  ].toSorted((a, b) => a.at - b.at) as Entry[];
}

function found(journal: readonly Entry[]): string[] {
  return [...new Set(checkJournal(journal).map(({ invariant }) => invariant))];
}

describe('the checker', () => {
  it('finds nothing in a sound run', () => {
    expect(checkJournal(soundRun())).toEqual([]);
  });

  it('finds nothing in a reader that came back and resumed, nor in a repeat that it drops', () => {
    const journal = soundRun();
    const place = placeOf(journal, 4);
    const repeated = journal.slice(placeOf(journal, 2), place);
    journal.splice(place, 0, { what: 'opened', reader: 'one', node: 'bob', after: 1 }, ...repeated);
    expect(checkJournal(journal)).toEqual([]);
  });

  it('finds nothing in a message without a receipt that was not stored', () => {
    const lost: Entry = { what: 'sent', lane: 'alice', src: 'alice', dest: 'bob', id: 'x', payload: '1' };
    expect(checkJournal([...soundRun(), lost])).toEqual([]);
  });

  it('sees a dropped message', () => {
    const journal = soundRun();
    journal.splice(placeOf(journal, 3), 1);
    expect(found(journal)).toEqual(['I1', 'I6']);
  });

  it('sees a dropped last message, which leaves no hole', () => {
    const journal = soundRun().filter((entry) => entry.what !== 'received' || entry.seq < 6);
    expect(found(journal)).toEqual(['I1']);
  });

  it('sees a duplicate under a seq of its own', () => {
    const journal = soundRun();
    const twin = { ...(journal[placeOf(journal, 2)] as Received), seq: 7 };
    journal.splice(placeOf(journal, 6) + 1, 0, twin);
    expect(found(journal)).toContain('I3');
  });

  it('sees a message that is handed over twice', () => {
    const journal = soundRun();
    journal.splice(placeOf(journal, 3), 0, journal[placeOf(journal, 2)] as Entry);
    expect(found(journal)).toEqual(['I6']);
  });

  it('sees two messages that changed places in the log', () => {
    const swap = new Map([
      [2, 4],
      [4, 2],
    ]);
    const moved = soundRun().map((entry) =>
      entry.what === 'received' ? { ...entry, seq: swap.get(entry.seq) ?? entry.seq } : entry,
    );
    const order = moved.toSorted((a, b) => (a.what === 'received' && b.what === 'received' ? byReader(a, b) : 0));
    expect(found(order)).toEqual(['I4']);
  });

  it('sees two messages that changed places on the way', () => {
    const journal = soundRun();
    const [at, behind] = [placeOf(journal, 3), placeOf(journal, 4)];
    [journal[at], journal[behind]] = [journal[behind] as Entry, journal[at] as Entry];
    expect(found(journal)).toEqual(['I6']);
  });

  it('sees a seq that stands for two messages', () => {
    expect(found(change(5, { id: 'm3' }))).toEqual(expect.arrayContaining(['I1', 'I3', 'I5']));
  });

  it('sees another source and another payload', () => {
    expect(found(change(4, { src: 'mallory' }))).toContain('I2');
    expect(found(change(4, { payload: '4' }))).toEqual(['I2']);
  });

  it('sees an acknowledged seq that goes back', () => {
    expect(found([...soundRun(), { what: 'acked', node: 'bob', seq: 5 }])).toEqual(['I7']);
  });

  it('sees that somebody is called offline who is connected, and nothing in it when they came or went meanwhile', () => {
    expect(found(calledOffline())).toEqual(['presence']);
    expect(found(calledOffline({ openedAt: 4 }))).toEqual([]);
    expect(found(calledOffline({ closedAt: 4 }))).toEqual([]);
  });
});

function byReader(a: Received, b: Received): number {
  return a.reader === b.reader ? a.seq - b.seq : a.reader < b.reader ? -1 : 1;
}
