import type { InboxState } from './inbox.service.js';

/** What a client says that it has: everything up to `lastSeq` of the history `epoch`. */
export interface ResumeRequest {
  readonly epoch: string;
  readonly lastSeq: number;
}

export interface ResumePoint {
  /** Delivery begins behind it. */
  readonly after: number;
  readonly resumed: boolean;
  /** The client had everything up to here and may acknowledge it. */
  readonly resumedAt: number;
  readonly reason?: 'insufficient_state';
  /** The same history, but the client saw more of it than there is: the store was probably set back. */
  readonly suspectedRollback: boolean;
}

/** Where a reader begins: behind what the client has, if that is a place in this log; else behind what was read. */
export function resumePoint(state: InboxState, asked?: ResumeRequest): ResumePoint {
  const after = Math.max(state.ackedSeq, state.floorSeq - 1);
  const unresumed = { after, resumed: false, resumedAt: 0, suspectedRollback: false };
  if (!asked) return unresumed;
  const sameHistory = asked.epoch === state.epoch;
  const beyond = asked.lastSeq > state.tailSeq;
  if (sameHistory && !beyond && asked.lastSeq >= state.floorSeq - 1) {
    return { after: asked.lastSeq, resumed: true, resumedAt: asked.lastSeq, suspectedRollback: false };
  }
  return { ...unresumed, reason: 'insufficient_state', suspectedRollback: sameHistory && beyond };
}
