import { beforeEach, describe, expect, it } from 'vitest';
import { Backoff } from './backoff.js';
import { AllsparkError } from './errors.js';
import { type Gap, type GroupEntry, type HistoryPage, parseHistoryPage } from './frames.js';
import { GapFiller } from './gap-filler.js';
import { Mailbox } from './testing/mailbox.js';
import { ManualTimers } from './testing/manual-timers.js';

const GAP: Gap = { kind: 'gap', seq: 9, destSessionId: 's', fromSessionSeq: 3, raw: '' };

/** A session's log, a page of two at a time, and what was asked of it. */
class FakeHistory {
  readonly asked: string[] = [];
  readonly pauses = new Mailbox<string>();
  rows: { session_seq: number; src_id: string; type?: number }[] = [];
  tail = 0;
  refusals: unknown[] = [];
  onAck: () => void = () => undefined;

  write(seq: number, srcId = 'alice', type?: number): void {
    this.tail = seq;
    this.rows.push({ session_seq: seq, src_id: srcId, ...(type !== undefined && { type }) });
  }

  messages(_group: unknown, { after = 0 }: { after?: number }): Promise<HistoryPage> {
    this.asked.push(`after ${after}`);
    const left = this.rows.filter((row) => row.session_seq > after);
    const messages = left.slice(0, 2).map((row) => ({ ...row, dest_session_id: 's' }));
    const page = { messages, tail: this.tail, complete: left.length <= 2 };
    return this.#answer(parseHistoryPage(JSON.stringify(page)));
  }

  ownNames(): Promise<string[]> {
    return Promise.resolve(['me', '~mine']);
  }

  ack(seq: number): Promise<void> {
    this.asked.push(`ack ${seq}`);
    this.onAck();
    return this.#answer(undefined);
  }

  #answer<T>(answer: T): Promise<T> {
    const refusal = this.refusals.shift();
    return refusal === undefined ? Promise.resolve(answer) : Promise.reject(refusal);
  }
}

let history: FakeHistory;
let timers: ManualTimers;
let handled: number[];
let errors: unknown[];
let handle: (entry: GroupEntry) => void;
let gaps: GapFiller;

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const refusal = (status: number, code: string): AllsparkError => new AllsparkError({ code, reason: 'no', status });

const entry = (seq: number, destSessionId = 's'): GroupEntry =>
  ({ kind: 'message', destSessionId, sessionSeq: seq }) as GroupEntry;

beforeEach(() => {
  [history, timers, handled, errors] = [new FakeHistory(), new ManualTimers(), [], []];
  handle = (one) => void handled.push(one.sessionSeq ?? 0);
  const events = { handle: (one: GroupEntry) => handle(one), onError: (error: unknown) => void errors.push(error) };
  const backoff = new Backoff({ baseMs: 1000, maxMs: 1000, random: () => 0.5 });
  gaps = new GapFiller(history, events, timers, backoff);
});

describe('filling a gap', () => {
  it('hands over all from its place on, page after page, and again what came until it was acknowledged', async () => {
    for (const seq of [1, 2, 3, 4, 6]) history.write(seq);
    history.onAck = () => history.write(8);
    await gaps.bridge(GAP);
    expect(handled).toEqual([3, 4, 6, 8]);
    expect(history.asked).toEqual(['after 2', 'after 4', 'ack 9', 'after 6']);
  });

  it('reads no further than there was at the first look, however fast the session grows', async () => {
    history.write(3);
    handle = (one) => {
      handled.push(one.sessionSeq ?? 0);
      history.write(history.tail + 1);
      history.write(history.tail + 1);
    };
    await gaps.bridge(GAP);
    expect(handled.length).toBeLessThan(8);
  });

  it('leaves out what this node wrote itself, under its id or its alias, but not what happened to it', async () => {
    history.write(3, 'me');
    history.write(4, '~mine');
    history.write(5, 'me', 100);
    history.write(6);
    await gaps.bridge(GAP);
    expect(handled).toEqual([5, 6]);
  });

  it('knows what the inbox brings afterwards once more, until the inbox has passed it', async () => {
    history.write(3);
    history.tail = 5;
    await gaps.bridge(GAP);
    expect([3, 5, 6].map((seq) => gaps.knows(entry(seq)))).toEqual([true, true, false]);
    expect(gaps.knows(entry(3, 'another'))).toBe(false);
    expect(gaps.had).toEqual([{ destSessionId: 's', sessionSeq: 5 }]);
    gaps.passed(entry(6));
    expect(gaps.had).toEqual([]);
  });

  it('goes on from the entry whose handler failed', async () => {
    for (const seq of [3, 4, 5]) history.write(seq);
    const working = handle;
    handle = (one) => {
      if (one.sessionSeq === 4) throw new Error('cannot');
      working(one);
    };
    await expect(gaps.bridge(GAP)).rejects.toThrow('cannot');
    expect(history.asked).not.toContain('ack 9');
    handle = working;
    await gaps.bridge(GAP);
    expect(handled).toEqual([3, 4, 5]);
  });

  it('goes on from where an earlier run of the application stood', async () => {
    for (const seq of [3, 4, 5]) history.write(seq);
    const had = [{ destSessionId: 's', sessionSeq: 4 }];
    const backoff = new Backoff({ baseMs: 1, maxMs: 1, random: () => 0 });
    gaps = new GapFiller(history, { handle: (one) => handle(one), onError: () => undefined }, timers, backoff, had);
    await gaps.bridge(GAP);
    expect(handled).toEqual([5]);
  });

  it.each([
    ['no answer', new TypeError('fetch failed')],
    ['a busy server', refusal(503, 'retry_later')],
    ['a key that is not accepted at the moment', refusal(401, 'unauthorized')],
  ])('tries again after %s', async (_, error) => {
    history.write(3);
    history.refusals = [error, error];
    const filling = gaps.bridge(GAP);
    await settled();
    timers.advance(500);
    await settled();
    timers.advance(500);
    await filling;
    expect([handled, errors]).toEqual([[3], []]);
  });

  it('says so when it may not be read any more, and is done with it', async () => {
    history.write(3);
    history.refusals = [refusal(403, 'session_denied')];
    await gaps.bridge(GAP);
    expect(errors).toMatchObject([{ code: 'session_denied', status: 403 }]);
    expect(String(errors[0])).toContain('session s from session_seq 3');
    expect(gaps.had).toEqual([]);
  });

  it('ends at once, leaving no timer, when the client closes', async () => {
    history.write(3);
    history.refusals = [new TypeError('fetch failed')];
    const filling = gaps.bridge(GAP);
    await settled();
    gaps.stop();
    await expect(filling).rejects.toThrow();
    expect([handled, errors, timers.pending]).toEqual([[], [], 0]);
  });
});
