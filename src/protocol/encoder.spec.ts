import { describe, expect, it } from 'vitest';
import * as encoder from './encoder.js';
import { closeReason, invitesBack } from './close-codes.js';
import { isRetryable, REFUSALS, type RefusalCode } from './codes.js';
import { Refusal } from './refusal.js';

describe('frames to a client', () => {
  it('answer a refusal with its code, reason, field and id', () => {
    const refusal = new Refusal('invalid_field', { field: 'type', reason: 'why' });
    expect(encoder.refusalFrame(refusal, 'm1')).toBe(
      '{"type":-113,"code":"invalid_field","reason":"why","field":"type","id":"m1"}',
    );
    expect(encoder.refusalFrame(new Refusal('bad_json', { reason: 'why' }))).toBe(
      '{"type":-113,"code":"bad_json","reason":"why"}',
    );
  });

  it('say after how long to try again exactly where trying again helps', () => {
    for (const code of Object.keys(REFUSALS) as RefusalCode[]) {
      const frame = JSON.parse(encoder.refusalFrame(new Refusal(code, { retryAfterMs: 70 }), 'm1')) as object;
      expect('retry_after_ms' in frame).toBe(isRetryable(code));
      expect(isRetryable(code)).toBe([429, 503].includes(REFUSALS[code].status));
    }
  });

  it('have their own number for an unknown node or client and for a session', () => {
    const unknown = new Refusal('node_unknown', { reason: 'why' });
    const at = (destination: Parameters<typeof encoder.refusalFrame>[2], refusal = unknown): unknown =>
      JSON.parse(encoder.refusalFrame(refusal, 'm1', destination));
    expect(at({ kind: 'node', nodeId: 'b' })).toEqual({
      type: -3,
      src_id: 'b',
      id: 'm1',
      code: 'node_unknown',
      reason: 'why',
    });
    expect(at({ kind: 'client', clientId: 'c' })).toMatchObject({ type: -3, src_id: 'c' });
    const denied = new Refusal('session_denied', { reason: 'why' });
    const answer = { type: -5, dest_session_id: 's', id: 'm1', code: 'session_denied', reason: 'why' };
    expect(at({ kind: 'session', sessionId: 's' }, denied)).toEqual(answer);
    expect(at({ kind: 'private', sessionId: 's', memberId: 'b' }, denied)).toEqual(answer);
  });

  it('are what the protocol says', () => {
    expect(encoder.receiptFrame('m1', 'stored')).toBe('{"type":-112,"id":"m1","status":"stored"}');
    expect(encoder.deliveredFrame('m1', 'b')).toBe('{"type":-112,"id":"m1","status":"delivered","dest_id":"b"}');
    expect(encoder.offlineFrame('b', 'm1')).toBe('{"type":-4,"src_id":"b","id":"m1"}');
    expect(encoder.goneFrame(7, 'expired')).toBe('{"type":-116,"seq":7,"reason":"expired"}');
    expect(encoder.hereFrame()).toBe('{"type":-121}');
    expect(encoder.hereFrame('p')).toBe('{"type":-121,"id":"p"}');
    expect(JSON.parse(encoder.moveFrame('ws://h', 'k', 5))).toEqual({
      type: -114,
      url: 'ws://h',
      validation_key: 'k',
      within_ms: 5,
    });
  });

  it('of a page have the query’s id only where it had one', () => {
    const page = { frames: [], epoch: 'e', floorSeq: 1, tailSeq: 2, ackedSeq: 0, complete: true };
    const payload = { messages: [], epoch: 'e', floor_seq: 1, tail_seq: 2, acked_seq: 0, complete: true };
    expect(JSON.parse(encoder.inboxPageFrame(page))).toEqual({ type: -102, payload });
    expect(JSON.parse(encoder.inboxPageFrame(page, 'q'))).toEqual({ type: -102, id: 'q', payload });
  });
});

describe('close codes', () => {
  it('invite back by their range, and say after how long', () => {
    expect([1000, 1003, 1007, 1008, 1009, 4500, 4501, 4999].filter(invitesBack)).toEqual([]);
    expect([1001, 1006, 1011, 1012, 1013, 4000, 4005, 4499].every(invitesBack)).toBe(true);
    expect(closeReason(1012, 250.4)).toBe('retry_after_ms=250');
    expect(closeReason(4500, 250)).toBe('');
    expect(closeReason(1012, 250, 'why')).toBe('retry_after_ms=250');
    expect(closeReason(4501, 250, 'signed out')).toBe('signed out');
    expect(closeReason(4501, 250, 'é'.repeat(200))).toBe('é'.repeat(61));
  });
});
