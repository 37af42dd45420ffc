import { describe, expect, it } from 'vitest';
import { NO_MARKS } from './inbox-log.js';
import type { InboxState } from './inbox.types.js';
import { resumePoint } from './resume.js';

function state(floorSeq: number, tailSeq: number, ackedSeq: number): InboxState {
  return { epoch: 'e1', floorSeq, tailSeq, ackedSeq, pending: 0, marks: NO_MARKS };
}

const refused = { resumed: false, reason: 'insufficient_state' };

describe('resumePoint', () => {
  it.each([
    [
      'begins behind what was acknowledged when nothing is asked',
      state(1, 9, 4),
      undefined,
      { after: 4, resumed: false },
    ],
    ['begins at the floor when that is higher', state(7, 9, 4), undefined, { after: 6, resumed: false }],
    ['begins at the beginning of a new inbox', state(1, 0, 0), undefined, { after: 0, resumed: false }],
    ['resumes behind what the client has', state(1, 9, 4), 6, { after: 6, resumed: true }],
    ['resumes behind less than was acknowledged', state(1, 9, 4), 2, { after: 2, resumed: true }],
    ['resumes at the tail', state(1, 9, 4), 9, { after: 9, resumed: true }],
    ['resumes from nothing', state(1, 9, 4), 0, { after: 0, resumed: true }],
    ['resumes just below the floor', state(7, 9, 4), 6, { after: 6, resumed: true }],
    ['does not resume further below the floor', state(7, 9, 4), 5, { after: 6, ...refused, suspectedRollback: false }],
    [
      'does not resume beyond the tail, and suspects the store',
      state(1, 9, 4),
      10,
      { after: 4, ...refused, suspectedRollback: true },
    ],
  ])('%s', (_, at, lastSeq, wanted) => {
    expect(resumePoint(at, lastSeq === undefined ? undefined : { epoch: 'e1', lastSeq })).toMatchObject(wanted);
  });

  it('does not resume another history, and suspects nothing', () => {
    const point = resumePoint(state(1, 9, 4), { epoch: 'e0', lastSeq: 10 });
    expect(point).toMatchObject({ after: 4, ...refused, suspectedRollback: false });
  });

  it('gives no reason when nothing was asked or all was granted', () => {
    expect(resumePoint(state(1, 9, 4)).reason).toBeUndefined();
    expect(resumePoint(state(1, 9, 4), { epoch: 'e1', lastSeq: 9 }).reason).toBeUndefined();
  });
});
