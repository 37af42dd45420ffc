import { describe, expect, it } from 'vitest';
import { FakeInboxLog } from '../../../test/support/fake-inbox-log.js';
import { ManualClock } from '../../common/clock.js';
import { StallGuard } from '../../common/stall-guard.js';
import { AppendLoop } from './append-loop.js';
import type { AppendRules, MessageDraft } from './inbox.types.js';

const LOG = 'n:hot';
/** Until then they have noticed each other. */
const MEETING_MS = 2_000;
const JUDGED_MS = 4_000;
const EVERY_MS = 5;
const MOST_REFUSED = 0.03;

const rules: AppendRules<MessageDraft> = {
  first: () => Promise.resolve(undefined),
  ready: () => Promise.resolve(),
  admit: (_, { body, bytes }) => ({ kind: 'row', body, counts: { count: 1, bytes } }),
  appended: () => {},
};

function draft(key: string): MessageDraft {
  return { kind: 'message', key, digest: 'd', body: '{}', bytes: 2, report: false, makesKnown: true };
}

/** Three processes that each append 200 messages a second to one log, whose store takes its time for each call. */
async function contend(slowness: number): Promise<{ stored: number; refused: number }> {
  const clock = new ManualClock();
  const store = new FakeInboxLog({ maxBatch: 256, checksPredecessor: false });
  store.step = () => clock.pause(slowness * (0.5 + Math.random()));
  const loops = [1, 2, 3].map(() => {
    const guard = new StallGuard(clock, 60_000, 90_000);
    return new AppendLoop(store, rules, clock, guard, { tailTrustMs: 30_000, deadlineMs: 5_000 }, () => true);
  });
  let [stored, refused, sent] = [0, 0, 0];
  for (let at = 0; at < MEETING_MS + JUDGED_MS; at += 1) {
    for (const loop of at % EVERY_MS === 0 ? loops : []) {
      loop.append(LOG, draft(`m${(sent += 1)}`), ({ kind }) => {
        if (clock.monotonic() < MEETING_MS) return;
        if (kind === 'stored') stored += 1;
        else refused += 1;
      });
    }
    clock.advance(1);
    for (let turn = 0; turn < 4; turn += 1) await new Promise(setImmediate);
  }
  return { stored, refused };
}

describe('AppendLoop, three of them at one log', () => {
  for (const slowness of [0.5, 2, 6]) {
    it(`at most 3 % are refused for now where each step of the store takes ${slowness} ms`, async () => {
      const { stored, refused } = await contend(slowness);
      expect(stored).toBeGreaterThan((JUDGED_MS / EVERY_MS) * 2.5);
      expect(refused).toBeLessThanOrEqual(stored * MOST_REFUSED);
    });
  }
});
