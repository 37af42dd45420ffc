import { beforeEach, describe, expect, it } from 'vitest';
import { FakeInboxLog } from '../../../test/support/fake-inbox-log.js';
import { ManualClock } from '../../common/clock.js';
import { StallGuard } from '../../common/stall-guard.js';
import { Refusal } from '../../protocol/index.js';
import { AppendLoop } from './append-loop.js';
import type { AppendOutcome, AppendRules, MessageDraft } from './inbox.types.js';

const LOG = 'n:a';

let store: FakeInboxLog;
let clock: ManualClock;
let loop: AppendLoop<MessageDraft>;
let room: number;
let answers: string[];
let shown: string[];

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 12; turn += 1) await new Promise(setImmediate);
};

const rules: AppendRules<MessageDraft> = {
  first: (_, { makesKnown }) => Promise.resolve(makesKnown ? undefined : new Refusal('node_unknown')),
  ready: () => Promise.resolve(),
  admit: ({ tail }, { body, bytes }) =>
    tail.totals.count < room
      ? { kind: 'row', body, counts: { count: 1, bytes } }
      : { kind: 'refused', refusal: new Refusal('inbox_full') },
  appended: (rows) => shown.push(...rows.map(({ n, key }) => `${n}:${key}`)),
};

function draft(key: string, more: Partial<MessageDraft> = {}): MessageDraft {
  return { kind: 'message', key, digest: 'd', body: '{"b":1}', bytes: 7, report: false, makesKnown: true, ...more };
}

function append(key: string, more: Partial<MessageDraft> = {}, log = LOG): void {
  loop.append(log, draft(key, more), (outcome) => answers.push(`${key} ${wordOf(outcome)}`));
}

/** The second comes while the first is on its way. */
async function appendBehind(first: string, second: string): Promise<void> {
  const held = store.hold('insert');
  append(first);
  await held.reached;
  append(second);
  held.release();
  await settled();
}

function wordOf(outcome: AppendOutcome): string {
  if (outcome.kind === 'stored') return String(outcome.row.n);
  return outcome.kind === 'refused' ? outcome.refusal.code : outcome.kind;
}

function fresh(deadlineMs = 5_000): AppendLoop<MessageDraft> {
  const guard = new StallGuard(clock, 5_000, 30_000);
  return new AppendLoop(store, rules, clock, guard, { tailTrustMs: 30_000, deadlineMs });
}

beforeEach(() => {
  store = new FakeInboxLog();
  clock = new ManualClock();
  room = 100;
  answers = [];
  shown = [];
  loop = fresh();
});

describe('AppendLoop', () => {
  it('stores what one turn brings in with one insert, in its order, and shows it after the answers', async () => {
    for (const key of ['a', 'b', 'c']) append(key);
    await settled();
    expect(answers).toEqual(['a 1', 'b 2', 'c 3']);
    expect(shown).toEqual(['1:a', '2:b', '3:c']);
    expect(store.calls.filter((call) => call === 'insert')).toHaveLength(1);
    expect(loop.waiting).toBe(0);
  });

  it('reads the tail once and then trusts its own rows for a while', async () => {
    append('a');
    await settled();
    append('b');
    await settled();
    expect(store.calls.filter((call) => call === 'newest')).toHaveLength(1);
    clock.advance(30_000);
    append('c');
    await settled();
    expect(store.calls.filter((call) => call === 'newest')).toHaveLength(2);
  });

  it('keeps running totals in the rows, and times that never go back', async () => {
    append('a', { bytes: 10 });
    await settled();
    store.slip(LOG, { key: 'later', at: clock.now() + 60_000 });
    append('b', { bytes: 5 });
    await settled();
    clock.advance(50);
    await settled();
    const [, slipped, last] = store.rowsOf(LOG);
    expect(last?.at).toBe(slipped?.at);
    expect(last?.totals.count).toBe(3);
    expect(last?.totals.bytes).toBe((slipped?.totals.bytes ?? 0) + 5);
  });

  it('numbers anew behind rows of others', async () => {
    append('a');
    await settled();
    store.slip(LOG, { key: 'x' }, { key: 'y' });
    append('b');
    append('c');
    await settled();
    clock.advance(50);
    await settled();
    expect(answers).toEqual(['a 1', 'b 4', 'c 5']);
  });

  it('knows a repeat, and another message under the same key', async () => {
    append('a');
    append('b');
    await settled();
    append('a');
    append('b', { digest: 'other' });
    append('c');
    await settled();
    expect(answers.slice(2)).toEqual(['a duplicate', 'b id_conflict', 'c 3']);
  });

  it('knows a repeat in the same batch', async () => {
    append('a');
    append('a');
    append('b');
    await settled();
    expect(answers).toEqual(['a 1', 'a duplicate', 'b 2']);
  });

  it('answers stored when only the answer of the store was lost', async () => {
    append('warm');
    await settled();
    store.failNext('insert', 'lost');
    append('a');
    append('b');
    await settled();
    expect(answers).toEqual(['warm 1', 'a 2', 'b 3']);
    expect(shown).toEqual(['1:warm', '2:a', '3:b']);
  });

  it('refuses for now what a failed store does not have, and all that waits behind it', async () => {
    append('warm');
    await settled();
    store.failNext('insert', 'before');
    const held = store.hold('insert');
    append('a');
    await held.reached;
    append('b');
    held.release();
    await settled();
    expect(answers).toEqual(['warm 1', 'a retry_later', 'b retry_later']);
    append('a');
    await settled();
    expect(answers.at(-1)).toBe('a 2');
  });

  it('refuses for now when even the look fails, and takes the repeat for one afterwards', async () => {
    append('warm');
    await settled();
    store.failNext('insert', 'lost');
    store.failNext('findKeys', 'before');
    append('a');
    await settled();
    expect(answers.at(-1)).toBe('a retry_later');
    append('a');
    await settled();
    expect(answers.at(-1)).toBe('a duplicate');
  });

  it('refuses for now after meeting others four times in a row', async () => {
    append('warm');
    await settled();
    const insert = store.insert.bind(store);
    store.insert = (rows) => {
      store.slip(LOG, { key: `x${store.rowsOf(LOG).length}` });
      return insert(rows);
    };
    append('a');
    for (let turn = 0; turn < 6; turn += 1) {
      await settled();
      clock.advance(100);
    }
    expect(answers).toEqual(['warm 1', 'a retry_later']);
  });

  it('reads again before it refuses for good', async () => {
    room = 2;
    append('a');
    append('b');
    await settled();
    append('c');
    await settled();
    expect(answers.at(-1)).toBe('c inbox_full');
    expect(store.calls.slice(-3).sort()).toEqual(['findKeys', 'marks', 'newest']);
  });

  it('answers a repeat as one although there is no room', async () => {
    room = 1;
    store.slip(LOG, { key: 'a' });
    append('b');
    append('a');
    await settled();
    expect(answers).toEqual(['b inbox_full', 'a duplicate']);
  });

  it('answers in the order of the drafts when the last of them is refused for good', async () => {
    room = 2;
    const held = store.hold('insert');
    for (const key of ['a', 'b', 'c']) append(key);
    await held.reached;
    expect(answers).toEqual([]);
    held.release();
    await settled();
    expect(answers).toEqual(['a 1', 'b 2', 'c inbox_full']);
  });

  it('does not refuse for good because of a row that never came to be', async () => {
    room = 2;
    append('a');
    await settled();
    store.failNext('insert', 'before');
    append('b');
    append('c');
    await settled();
    expect(answers).toEqual(['a 1', 'b retry_later', 'c retry_later']);
  });

  it('answers in the order of the drafts when a later one is a repeat', async () => {
    append('warm');
    await settled();
    store.slip(LOG, { key: 'b' });
    append('a');
    append('b');
    append('c');
    await settled();
    clock.advance(50);
    await settled();
    clock.advance(1_000);
    await settled();
    expect(answers).toEqual(['warm 1', 'a 3', 'b duplicate', 'c 4']);
  });

  it('lets others have a turn at a log in which it saw their rows, for a while, when more waits than it wrote', async () => {
    append('warm');
    await settled();
    store.slip(LOG, { key: 'x' });
    append('a');
    await settled();
    clock.advance(50);
    await settled();
    clock.advance(1_000);
    await appendBehind('b', 'c');
    expect(answers).toEqual(['warm 1', 'a 3', 'b 4']);
    clock.advance(1_000);
    await settled();
    expect(answers).toEqual(['warm 1', 'a 3', 'b 4', 'c 5']);
    clock.advance(5_001);
    await appendBehind('d', 'e');
    expect(answers.slice(4)).toEqual(['d 6', 'e 7']);
  });

  it('does not let a message wait for others at a log to which nothing was on its way', async () => {
    append('warm');
    await settled();
    store.slip(LOG, { key: 'x' });
    append('a');
    await settled();
    clock.advance(50);
    await settled();
    clock.advance(1_000);
    append('b');
    await settled();
    expect(answers).toEqual(['warm 1', 'a 3', 'b 4']);
  });

  it('refuses what has waited for too long, before it looks at anything else', async () => {
    const held = store.hold('newest');
    append('a');
    await held.reached;
    clock.advance(5_001);
    held.release();
    await settled();
    expect(answers).toEqual(['a retry_later']);
    expect(store.rowsOf(LOG)).toEqual([]);
  });

  it('refuses in time what waited behind a slow commit and would wait as long again, and nothing that came after it', async () => {
    store = new FakeInboxLog({ lanes: 1 });
    loop = fresh();
    const held = store.hold('insert');
    append('slow');
    await held.reached;
    append('behind', {}, 'n:other');
    clock.advance(3_000);
    held.release();
    await settled();
    append('after', {}, 'n:other');
    await settled();
    expect(answers).toEqual(['slow 1', 'behind retry_later', 'after 1']);
  });

  it('does not insert behind a tail that was read before the process stood still', async () => {
    loop = fresh(60_000);
    const held = store.hold('newest');
    append('a');
    await held.reached;
    clock.jump(5_001);
    held.release();
    await settled();
    expect(store.calls.filter((call) => call === 'newest')).toHaveLength(2);
    expect(answers).toEqual(['a 1']);
  });

  it('does not believe a row of its own that was sent before the process stood still', async () => {
    loop = fresh(60_000);
    const held = store.hold('insert');
    append('a');
    await held.reached;
    clock.jump(5_001);
    held.release();
    await settled();
    append('b');
    await settled();
    expect(store.calls.filter((call) => call === 'newest')).toHaveLength(2);
    expect(answers).toEqual(['a 1', 'b 2']);
  });

  it('refuses a first message to nobody, and lets in one that makes its receiver known', async () => {
    append('a', { makesKnown: false });
    append('b');
    append('c', { makesKnown: false });
    await settled();
    expect(answers).toEqual(['a node_unknown', 'b 1', 'c 2']);
  });

  it('refuses everything for now while the store is away, and recovers', async () => {
    store.away = true;
    append('a');
    append('b');
    await settled();
    expect(answers).toEqual(['a retry_later', 'b retry_later']);
    store.away = false;
    append('a');
    await settled();
    expect(answers.at(-1)).toBe('a 1');
  });

  it('answers a caller that hands in more from its answer', async () => {
    loop.append(LOG, draft('a'), () => append('b'));
    await settled();
    expect(answers).toEqual(['b 2']);
  });

  it('holds up one log by a conflict and no other', async () => {
    append('a');
    append('z', {}, 'n:z');
    await settled();
    store.slip(LOG, { key: 'x' });
    append('b');
    append('y', {}, 'n:z');
    await settled();
    clock.advance(50);
    await settled();
    expect(answers.toSorted()).toEqual(['a 1', 'b 3', 'y 2', 'z 1']);
  });

  it('takes no more rows into one insert than the store takes', async () => {
    store = new FakeInboxLog({ maxBatch: 4 });
    loop = fresh();
    for (let index = 0; index < 10; index += 1) append(`k${index}`);
    await settled();
    expect(answers).toHaveLength(10);
    expect(store.calls.filter((call) => call === 'insert')).toHaveLength(3);
  });

  it('forgets logs in which nothing happens any more', async () => {
    append('a');
    await settled();
    loop.sweep();
    expect(loop.size).toBe(1);
    clock.advance(30_000);
    loop.sweep();
    expect(loop.size).toBe(0);
  });
});
