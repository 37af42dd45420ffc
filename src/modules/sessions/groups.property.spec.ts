import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Admission, InboxDraft, LogRow } from '../inbox/index.js';
import type { InboxRules } from '../inbox/inbox-rules.js';
import type { GroupState } from './group-state.js';
import { type GroupStory, GroupWorld, type GroupWeakness } from '../../../test/support/group-world.js';

const stories: fc.Arbitrary<GroupStory> = fc.record({
  seed: fc.integer(),
  processes: fc.integer({ min: 1, max: 3 }),
  nodes: fc.integer({ min: 2, max: 4 }),
  events: fc.integer({ min: 100, max: 1_200 }),
  badWeather: fc.constantFrom(0, 4, 10),
});

/** Stories in which something goes wrong soon. */
const harsh = stories.filter(({ processes, badWeather, events }) => processes > 1 && badWeather > 3 && events > 500);

/** What of the services the weaker variants replace. */
interface Insides {
  readonly inbox: { readonly appends: { readonly rules: InboxRules } };
  readonly groups: {
    readonly states: { at(log: string, n: number): Promise<GroupState>; known(log: string): GroupState | undefined };
    readonly driver: { undriven(state: GroupState): Promise<LogRow[]> };
  };
}

function replacing(change: (insides: Insides) => void): GroupWeakness {
  return { weaken: (process) => change(process as unknown as Insides) };
}

/** A group that is known is never read again: own entries are all that moves it. */
const olderList = replacing(({ groups: { states } }) => {
  const at = states.at.bind(states);
  states.at = async (log, n) => {
    const state = states.known(log);
    if (!state) return at(log, n);
    state.n = Math.max(state.n, n);
    return state;
  };
});

/** Own entries are driven, what others left open below them is not. */
const notBelow = replacing(({ groups: { driver } }) => {
  const undriven = driver.undriven.bind(driver);
  driver.undriven = async (state) => {
    const own = [...state.own.values()].toSorted((a, b) => a.n - b.n);
    return own.length > 0 ? own : undriven(state);
  };
});

function replacingSeat(
  change: (admission: Admission | undefined, draft: InboxDraft) => Admission | undefined,
): GroupWeakness {
  return replacing(({ inbox: { appends } }) => {
    const { rules } = appends;
    const admit = rules.admit.bind(rules);
    rules.admit = (view, draft) => change(admit(view, draft), draft);
  });
}

/** An entry that is not above what the group has in an inbox goes in all the same. */
const notOnlyAbove = replacing(({ inbox: { appends } }) => {
  const { rules } = appends;
  const admit = rules.admit.bind(rules);
  rules.admit = (view, draft) => {
    const seat = draft.kind === 'entry' ? view.seat(draft.group) : undefined;
    return admit({ ...view, seat: () => seat && { ...seat, entry: 0 } }, draft);
  };
});

/** Whether a gap is still open is decided by what was read at some time. */
const gapDecidedOnce = replacingSeat((admission) => {
  return admission?.kind === 'nothing' || admission?.kind === 'row' ? { ...admission, fresh: false } : admission;
});

const WEAKER: Readonly<Record<string, GroupWeakness>> = {
  'membership from an older list': olderList,
  'driving without what is open below': notBelow,
  'rows that are not above those of their group': notOnlyAbove,
  'a gap that is decided once': gapDecidedOnce,
  'one row a member instead of one a stay': { oneRowPerMember: true },
};

function property(
  told: fc.Arbitrary<GroupStory>,
  weakness?: GroupWeakness,
): fc.IAsyncProperty<[fc.Scheduler, GroupStory]> {
  return fc.asyncProperty(fc.scheduler(), told, async (scheduler, story) => {
    expect(await new GroupWorld(scheduler, story, weakness).run()).toEqual([]);
  });
}

describe('a session', () => {
  it(
    'shows each member what happened while it was one, once and in one order, whatever interleaves, fails or dies',
    { timeout: 120_000 },
    async () => {
      await fc.assert(property(stories), { numRuns: Number(process.env['GROUP_RUNS'] ?? 40) });
    },
  );

  it.each(Object.keys(WEAKER))('breaks a promise with %s', { timeout: 120_000 }, async (name) => {
    const outcome = await fc.check(property(harsh, WEAKER[name]), { numRuns: 2_000, endOnFailure: true });
    expect(outcome.failed).toBe(true);
  });
});
