import type { InboxState, ResumePoint, ResumeRequest } from './inbox.types.js';

/** Where a reader begins: behind what the client has, if that is a place in this log; else behind what was read. */
export function resumePoint(state: InboxState, asked?: ResumeRequest): ResumePoint {
  const after = Math.max(state.ackedSeq, state.floorSeq - 1);
  const unresumed = { after, resumed: false, suspectedRollback: false };
  if (!asked) return unresumed;
  const sameHistory = asked.epoch === state.epoch;
  const beyond = asked.lastSeq > state.tailSeq;
  if (sameHistory && !beyond && asked.lastSeq >= state.floorSeq - 1) {
    return { after: asked.lastSeq, resumed: true, suspectedRollback: false };
  }
  return { ...unresumed, reason: 'insufficient_state', suspectedRollback: sameHistory && beyond };
}
