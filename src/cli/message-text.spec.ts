import type { Gone, Message, SessionEvent } from '@allspark/client';
import { describe, expect, it } from 'vitest';
import { entryLine, jsonLine } from './message-text.js';

const messageWith = (raw: string, more: Partial<Message> = {}): Message => ({
  kind: 'message',
  id: 'm1',
  type: 0,
  srcId: 'alice',
  timestamp: new Date(2026, 0, 2, 3, 4, 5, 6).getTime(),
  seq: 12,
  raw,
  ...more,
});

const happened = (event: SessionEvent['event'], more: Partial<SessionEvent> = {}): SessionEvent => ({
  kind: 'event',
  event,
  type: 100,
  id: 'e1',
  destSessionId: 's-1',
  srcId: '~a',
  timestamp: new Date(2026, 0, 2, 3, 4, 5, 6).getTime(),
  seq: 12,
  sessionSeq: 7,
  raw: '{}',
  ...more,
});

describe('entryLine', () => {
  it('tells time, source, payload and seq', () => {
    expect(entryLine(messageWith('{"payload":{"n": 1e400}}'))).toBe('03:04:05.006 alice -> {"n": 1e400}  [seq 12]');
  });

  it('names a type of the application, a group and further payloads', () => {
    const message = messageWith('{"payload":1,"payload2":[2]}', { type: 7, destClientId: 'c1', seq: undefined });
    expect(entryLine(message)).toBe('03:04:05.006 alice (client c1) -> type 7 1 payload2=[2]  [transient]');
  });

  it('names the session, the member that alone gets it, and the place in the session of what has none in the inbox', () => {
    const message = messageWith('{"payload":1}', { destSessionId: 's-1', sessionSeq: 7 });
    expect(entryLine(message)).toBe('03:04:05.006 alice (session s-1) -> 1  [seq 12]');
    expect(entryLine({ ...message, destId: '~a', seq: undefined })).toBe(
      '03:04:05.006 alice (session s-1, privately to ~a) -> 1  [session_seq 7]',
    );
  });

  it.each([
    [happened('joined'), '~a joined'],
    [happened('left'), '~a left'],
    [happened('revealed', { nodeId: 'bob' }), '~a is bob'],
    [happened('ended', { srcId: 'alice' }), 'alice ended it'],
  ])('tells what happened in a session in words', (event, words) => {
    expect(entryLine(event)).toBe(`03:04:05.006 session s-1: ${words}  [seq 12]`);
  });

  it('lets no payload control the terminal', () => {
    expect(entryLine(messageWith('{"payload":"\u009b2J\u202e\u007f"}'))).toContain(String.raw`"\u009b2J\u202e\u007f"`);
  });

  it('says that a message may no longer be read', () => {
    const gone: Gone = { kind: 'gone', seq: 3, reason: 'expired', raw: '{}' };
    expect(entryLine(gone)).toBe('seq 3: a message that may no longer be read (expired)');
  });
});

describe('jsonLine', () => {
  it('is the frame as it came, on one line', () => {
    expect(jsonLine(messageWith('{"payload":{\r\n"a":1e400,\n"a":"\\n"}}'))).toBe(
      '{"payload":{ "a":1e400, "a":"\\n"}}',
    );
  });
});
