import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../common/clock.js';
import { BatchOutcome } from './batch-outcome.js';

describe('the outcome of a batch', () => {
  it('stands in the order of the messages, whenever the answers come', async () => {
    const clock = new ManualClock();
    const outcome = new BatchOutcome(['a', 'b']);
    const results = outcome.results(clock, 5_000);
    outcome.settle(1, { kind: 'duplicate', id: 'b' });
    outcome.settle(0, { kind: 'stored', id: 'a' });
    expect(await results).toEqual({
      results: [
        { id: 'a', status: 'stored' },
        { id: 'b', status: 'duplicate' },
      ],
    });
    expect(clock.waiting).toBe(0);
  });

  it('is complete at the deadline: what has no answer by then is to be sent again', async () => {
    const clock = new ManualClock();
    const outcome = new BatchOutcome(['a', 'b']);
    const results = outcome.results(clock, 5_000);
    outcome.settle(0, { kind: 'stored', id: 'a' });
    clock.advance(5_000);
    expect(await results).toMatchObject({
      results: [{ status: 'stored' }, { id: 'b', status: 'refused', code: 'retry_later', retry_after_ms: 1_000 }],
    });
    // Nobody hears this any more.
    outcome.settle(1, { kind: 'stored', id: 'b' });
    expect(await results).toMatchObject({ results: [{}, { status: 'refused' }] });
  });

  it('waits for nothing when there is no message', async () => {
    expect(await new BatchOutcome([]).results(new ManualClock(), 5_000)).toEqual({ results: [] });
  });
});
