import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppendWorld, type Story, type Weakness } from '../../../test/support/append-world.js';
import type { AppendLoop } from './append-loop.js';
import type { MessageDraft, Moment } from './inbox.types.js';
import type { PendingLog } from './pending-log.js';

const stories: fc.Arbitrary<Story> = fc.record({
  seed: fc.integer(),
  processes: fc.integer({ min: 1, max: 3 }),
  clients: fc.integer({ min: 1, max: 3 }),
  messages: fc.integer({ min: 1, max: 8 }),
  badWeather: fc.constantFrom(0, 5, 12),
  events: fc.integer({ min: 10, max: 150 }),
  checksPredecessor: fc.boolean(),
});

/** Stories in which something goes wrong soon. */
const harsh = stories.filter(({ processes, badWeather, events }) => processes > 1 && badWeather > 5 && events > 60);

/** What of a loop the weaker variants replace. */
interface Insides {
  look(state: PendingLog<MessageDraft>, began: Moment): Promise<void>;
  number(state: PendingLog<MessageDraft>, batch: unknown[], began: Moment): void;
  meetOther(state: PendingLog<MessageDraft>, stoppedBy: 'n' | 'key'): Promise<void>;
}

function replacing(change: (insides: Insides) => Partial<Insides>): (loop: AppendLoop<MessageDraft>) => void {
  return (loop) => {
    const insides = loop as unknown as Insides;
    Object.assign(loop, change(insides));
  };
}

const conflictTakenForSuccess = replacing((loop) => {
  const meetOther = loop.meetOther.bind(loop);
  return {
    async meetOther(state, stoppedBy) {
      if (stoppedBy === 'n') return meetOther(state, stoppedBy);
      state.waiting.shift()?.settle({ kind: 'duplicate' });
    },
  };
});

const refusesWithoutReading = replacing((loop) => {
  const number = loop.number.bind(loop);
  return {
    number(state, batch, began) {
      for (const pending of state.waiting.toArray()) pending.missedIn = began;
      number(state, batch, began);
    },
  };
});

const lostAnswerTakenForSuccess = replacing((loop) => {
  const look = loop.look.bind(loop);
  return {
    async look(state, began) {
      if (!state.failAfterLook) return look(state, began);
      state.failAfterLook = state.mustLook = false;
      state.waiting.shift()?.settle({ kind: 'duplicate' });
    },
  };
});

const lax = { checksPredecessor: false };

const WEAKER: Readonly<Record<string, Weakness>> = {
  'a store that goes on behind a conflict': { store: { ...lax, ordered: false } },
  'a key conflict taken for success unseen': { weaken: conflictTakenForSuccess },
  'rows delivered before their commit': { store: { showsUndecidedRows: true } },
  'tails read before their commit': { store: { ...lax, showsUndecidedTails: true } },
  'no tombstones': { store: { checksPredecessor: true }, noTombstones: true },
  'going on after a failed message': { noFailStop: true },
  'no poll behind the hints': { noPoll: true },
  'no id given before the append': { namesLate: true },
  'refusing before reading behind the tail': { weaken: refusesWithoutReading },
  'a lost answer taken for success': { weaken: lostAnswerTakenForSuccess },
  'a tail trusted across a standstill': { store: lax, trustsForEver: true },
};

function property(told: fc.Arbitrary<Story>, weakness?: Weakness): fc.IAsyncProperty<[fc.Scheduler, Story]> {
  return fc.asyncProperty(fc.scheduler(), told, async (scheduler, story) => {
    expect(await new AppendWorld(scheduler, story, weakness).run()).toEqual([]);
  });
}

describe('append', () => {
  it(
    'keeps every promise, whatever interleaves, fails, stands still or comes again',
    { timeout: 120_000 },
    async () => {
      await fc.assert(property(stories), { numRuns: Number(process.env['APPEND_RUNS'] ?? 300) });
    },
  );

  it.each(Object.keys(WEAKER))('breaks a promise with %s', { timeout: 120_000 }, async (name) => {
    const outcome = await fc.check(property(harsh, WEAKER[name]), { numRuns: 20_000, endOnFailure: true });
    expect(outcome.failed).toBe(true);
  });
});
