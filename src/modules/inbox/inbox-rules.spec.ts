import { describe, expect, it } from 'vitest';
import { FakeInboxLog } from '../../../test/support/fake-inbox-log.js';
import { FakeNodeRegistry } from '../../../test/support/group-services.js';
import { ManualClock } from '../../common/clock.js';
import { NodesService } from '../nodes/index.js';
import { entryKey, NO_MARKS, NO_TOTALS } from './inbox-log.js';
import { InboxRules } from './inbox-rules.js';
import type { InboxSettings } from './inbox.settings.js';
import type { Admission, EntryDraft, SeatState } from './inbox.types.js';

const LOG = 'n:a';
const GROUP = 's:g';
const SEAT = 3;

const rules = new InboxRules(
  new FakeInboxLog(),
  new NodesService(new FakeNodeRegistry(), new ManualClock()),
  { seatMaxMessages: SEAT, maxMessages: 100, maxBytes: 100 } as InboxSettings,
  () => {},
);

/** What becomes of entry 9 where the newest row of its group is as given, and the inbox is read up to 4. */
function ninth(seat: Partial<SeatState>): Admission | undefined {
  const draft: EntryDraft = {
    kind: 'entry',
    key: entryKey(GROUP, 9),
    digest: '',
    report: false,
    group: GROUP,
    entry: 9,
    at: 1,
    frame: '{}',
  };
  const known = { entry: 8, n: 8, waiting: 1, isGap: false, ...seat };
  const view = {
    log: LOG,
    tail: { n: 8, at: 1, totals: NO_TOTALS },
    marks: { ...NO_MARKS, acked: 4 },
    seat: () => known,
  };
  return rules.admit(view, draft);
}

describe('a seat', () => {
  it('takes an entry as long as fewer than it holds wait there, as far as is known', () => {
    expect(ninth({ waiting: SEAT - 1 })).toMatchObject({ kind: 'row', body: '@s:g 9 3', fresh: false });
  });

  it('is full only when what waits there was counted, behind what is acknowledged by now', () => {
    expect(ninth({ waiting: SEAT })).toBeUndefined();
    expect(ninth({ waiting: SEAT, countedAt: 3 })).toBeUndefined();
    expect(ninth({ waiting: SEAT, countedAt: 4 })).toMatchObject({ kind: 'row', body: '@s:g 9 4 gap', fresh: true });
  });

  it('that is full and has its gap takes nothing more', () => {
    expect(ninth({ waiting: SEAT + 1, countedAt: 4, isGap: true })).toEqual({ kind: 'nothing', fresh: true });
    expect(ninth({ waiting: SEAT + 1, isGap: true })).toBeUndefined();
  });

  it('of which all is acknowledged counts from the beginning', () => {
    expect(ninth({ n: 4, waiting: SEAT + 1, isGap: true })).toMatchObject({ kind: 'row', body: '@s:g 9 1' });
  });

  it('takes no entry twice, and none that comes late', () => {
    expect(ninth({ entry: 9 })).toEqual({ kind: 'nothing' });
    expect(ninth({ entry: 12 })).toEqual({ kind: 'nothing' });
  });
});
